import { brand } from '../../../nodes/MediaTranscode/operations/video/brand';
import { concatenate } from '../../../nodes/MediaTranscode/operations/video/concatenate';
import { filter } from '../../../nodes/MediaTranscode/operations/video/filter';
import { trim } from '../../../nodes/MediaTranscode/operations/video/trim';
import { watermark } from '../../../nodes/MediaTranscode/operations/video/watermark';
import { build } from '../support/build';

const ID = '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f';
const asset = { source: 'asset', assetId: 'a1' };

describe('the operations that edit videos', () => {
	it.each([
		['trim to the end', trim, { start: '1:30', until: 'source', end: '5', duration: '5', mode: 'fast' }, { start: '1:30', mode: 'fast' }],
		['trim to a place', trim, { start: '0', until: 'end', end: '2:00', mode: 'accurate', options: { crf: 18 } }, { start: '0', end: '2:00', mode: 'accurate', crf: 18 }],
		['trim to a length', trim, { start: '0', until: 'duration', duration: '10', mode: 'accurate' }, { start: '0', duration: '10', mode: 'accurate' }],
		[
			'concatenate',
			concatenate,
			{ clips: `${ID}\nhttps://a.test/b.mp4`, transition: 'fade', fadeSeconds: 0.5, fit: 'blur', options: { width: 1080, height: 1920, stillSeconds: 2 } },
			{ clips: [{ asset_id: ID }, { file_url: 'https://a.test/b.mp4' }], transition: 'fade', fade_seconds: 0.5, fit: 'blur', width: 1080, height: 1920, still_seconds: 2 },
		],
		[
			'concatenate with hard cuts, and a width alone, which says nothing',
			concatenate,
			{ clips: ID, transition: 'none', fadeSeconds: 1, fit: 'contain', options: { width: 1080 } },
			{ clips: [{ asset_id: ID }], transition: 'none', fit: 'contain' },
		],
		[
			'filter, each with its own fields only',
			filter,
			{
				filters: {
					filter: [
						{ name: 'sepia', strength: 0.7, factor: 2 },
						{ name: 'brightness', brightness: -0.2, amount: 1.2 },
						{ name: 'fade', fadeDirection: 'out', flipDirection: 'vertical', seconds: 2, colour: 'white' },
						{ name: 'flip', fadeDirection: 'out', flipDirection: 'vertical' },
					],
				},
			},
			{
				filters: [
					{ name: 'sepia', strength: 0.7 },
					{ name: 'brightness', amount: -0.2 },
					{ name: 'fade', direction: 'out', seconds: 2, colour: 'white' },
					{ name: 'flip', direction: 'vertical' },
				],
			},
		],
		[
			'watermark',
			watermark,
			{ logo: ID, position: 'top', scalePercent: 12.5, opacityPercent: 50, options: { from: 1, to: 3, marginPercent: 0 } },
			{ logo: { asset_id: ID }, position: 'top', scale: 0.125, opacity: 0.5, margin: 0, from_seconds: 1, to_seconds: 3 },
		],
		[
			'brand',
			brand,
			{ logo: 'https://a.test/l.png', position: 'top_left', title: 'Ada', subtitle: '', lowerThird: { from: 0, colour: '#ff0000' }, intro: ID, outro: '', options: { fadeSeconds: 1, scalePercent: 10 } },
			{ logo: { file: { file_url: 'https://a.test/l.png' }, position: 'top_left', scale: 0.1 }, lower_third: { title: 'Ada', from: 0, colour: '#ff0000' }, intro: { asset_id: ID }, fade_seconds: 1 },
		],
	])('%s send their parameters by the names of the wire', async (_name, operation, fields, params) => {
		expect(await build(operation, { ...asset, ...fields })).toEqual([{ operation: operation.value, asset_id: 'a1', params }]);
	});

	it.each([
		['no clip', concatenate, { clips: '' }, '"Clips" is empty'],
		['no filter', filter, { filters: {} }, '"Filters" is empty'],
		['a filter that does not exist', filter, { filters: { filter: [{ name: 'vignette' }] } }, '"Filter" must be one of'],
		['no logo', watermark, { logo: '' }, '"Logo" is empty'],
		['an empty brand kit', brand, { logo: '', title: '', intro: '', outro: '' }, 'nothing to apply'],
	])('refuse %s', async (_name, operation, fields, message) => {
		await expect(build(operation, { ...asset, ...fields })).rejects.toThrow(message);
	});
});
