import type { Operation } from '../operation.ts';
import { imageConvert } from './image-convert.ts';
import { imagePreview } from './image-preview.ts';
import { imageResize } from './image-resize.ts';
import { imageThumbnail } from './image-thumbnail.ts';

/** Operations on pictures. */
export const imageOperations: readonly Operation[] = [imageResize, imageConvert, imageThumbnail, imagePreview];
