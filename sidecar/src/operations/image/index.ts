import type { Operation } from '../operation.ts';
import { collage } from './collage.ts';
import { imageConvert } from './image-convert.ts';
import { imageOverlay } from './image-overlay.ts';
import { imagePreview } from './image-preview.ts';
import { imageResize } from './image-resize.ts';
import { imageThumbnail } from './image-thumbnail.ts';
import { imageToVideo } from './image-to-video.ts';
import { palette } from './palette.ts';
import { stripMetadata } from './strip-metadata.ts';

/** Everything that works on pictures. To add one: import it, and name it here. */
export const imageOperations: readonly Operation[] = [
	imageResize,
	imageConvert,
	imageThumbnail,
	imagePreview,
	stripMetadata,
	palette,
	imageOverlay,
	collage,
	imageToVideo,
];
