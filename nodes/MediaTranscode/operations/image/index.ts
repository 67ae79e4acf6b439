import type { Resource } from '../../../shared/operation';
import { collage } from './collage';
import { imageConvert } from './imageConvert';
import { imageOverlay } from './imageOverlay';
import { imagePreview } from './imagePreview';
import { imageResize } from './imageResize';
import { imageThumbnail } from './imageThumbnail';
import { imageToVideo } from './imageToVideo';
import { palette } from './palette';
import { stripMetadata } from './stripMetadata';

export const image: Resource = {
	name: 'Image',
	value: 'image',
	operations: [imageResize, imageConvert, imagePreview, imageThumbnail, stripMetadata, palette, imageOverlay, collage, imageToVideo],
};
