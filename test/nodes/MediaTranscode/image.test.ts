import { collage } from '../../../nodes/MediaTranscode/operations/image/collage';
import { imageConvert } from '../../../nodes/MediaTranscode/operations/image/imageConvert';
import { imageOverlay } from '../../../nodes/MediaTranscode/operations/image/imageOverlay';
import { imageResize } from '../../../nodes/MediaTranscode/operations/image/imageResize';
import { imageToVideo } from '../../../nodes/MediaTranscode/operations/image/imageToVideo';
import { build } from '../support/build';

const asset = { source: 'asset', assetId: 'a1' };
const ID = '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f';

describe('the operations on images', () => {
	it.each([
		['resize', imageResize, { width: 800, height: 0, fit: 'inside', format: 'same', options: {} }, { width: 800, fit: 'inside', format: 'same' }],
		['resize to proportions', imageResize, { width: 540, height: 99, fit: 'ratio', ratio: '4:5', position: 'top', format: 'webp', options: {} }, { width: 540, ratio: '4:5', position: 'top', format: 'webp' }],
		[
			'resize after a cut',
			imageResize,
			{ width: 100, height: 100, fit: 'fill', format: 'png', options: { crop: '1, 2, 30, 40', enlarge: true } },
			{ width: 100, height: 100, fit: 'fill', format: 'png', crop: { x: 1, y: 2, width: 30, height: 40 }, enlarge: true },
		],
		['convert below a size', imageConvert, { format: 'avif', options: { targetKilobytes: 200 } }, { format: 'avif', target_bytes: 200_000 }],
		[
			'overlay',
			imageOverlay,
			{ logo: ID, position: 'top', scalePercent: 10, opacityPercent: 50, options: { marginPercent: 5, tile: true } },
			{ logo: { asset_id: ID }, position: 'top', scale: 0.1, opacity: 0.5, margin: 0.05, tile: true },
		],
		[
			'collage',
			collage,
			{ pictures: `${ID}\nhttps://a.test/b.jpg, `, layout: 'row', width: 900, options: { gap: 0 } },
			{ pictures: [{ asset_id: ID }, { file_url: 'https://a.test/b.jpg' }], layout: 'row', width: 900, gap: 0 },
		],
		['to video', imageToVideo, { seconds: 3, movement: 'pan_up', music: '', options: { fps: 25 } }, { seconds: 3, movement: 'pan_up', fps: 25 }],
	])('%s sends its parameters by the names of the wire', async (_name, operation, fields, params) => {
		expect(await build(operation, { ...asset, ...fields })).toEqual([{ operation: operation.value, asset_id: 'a1', params }]);
	});

	it.each(['1,2,3', '1,2,3,x', '1,2,3,4,5', '-1,0,5,5'])('refuses the rectangle "%s"', async (crop) => {
		await expect(build(imageResize, { ...asset, width: 1, height: 1, fit: 'fill', format: 'same', options: { crop } })).rejects.toThrow('"Crop First"');
	});

	it('refuses a collage of one picture, and pictures that are no media', async () => {
		await expect(build(collage, { ...asset, pictures: ' , ', layout: 'grid', width: 900, options: {} })).rejects.toThrow('"Further Pictures" is empty');
		await expect(build(collage, { ...asset, pictures: 'b.jpg', layout: 'grid', width: 900, options: {} })).rejects.toThrow('"Further Pictures" must be');
	});
});
