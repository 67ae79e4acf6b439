import type { Resource } from '../../../shared/operation';
import { imageConvert } from './imageConvert';
import { imagePreview } from './imagePreview';
import { imageResize } from './imageResize';
import { imageThumbnail } from './imageThumbnail';

export const image: Resource = {
	name: 'Image',
	value: 'image',
	operations: [imageResize, imageConvert, imagePreview, imageThumbnail],
};
