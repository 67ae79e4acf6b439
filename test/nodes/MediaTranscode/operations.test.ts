import { compress } from '../../../nodes/MediaTranscode/operations/video/compress';
import { convert } from '../../../nodes/MediaTranscode/operations/video/convert';
import { crop } from '../../../nodes/MediaTranscode/operations/video/crop';
import { probe } from '../../../nodes/MediaTranscode/operations/media/probe';
import { several } from '../../../nodes/MediaTranscode/operations/media/several';
import { thumbnail } from '../../../nodes/MediaTranscode/operations/video/thumbnail';
import { build } from '../support/build';

const asset = { source: 'asset', assetId: 'a1' };

describe('the media operations', () => {
	it.each([
		['thumbnail', thumbnail, { at: '50%', width: 640, format: 'webp', quality: 70 }, { at: '50%', width: 640, format: 'webp', quality: 70 }],
		['thumbnail at seconds', thumbnail, { at: '1.5', width: 640, format: 'png', quality: 70 }, { at: 1.5, width: 640, format: 'png' }],
		['thumbnail at the default time', thumbnail, { at: '', width: 1280, format: 'jpeg', quality: 80 }, { width: 1280, format: 'jpeg', quality: 80 }],
		[
			'compress',
			compress,
			{ height: 480, crf: 28, options: { audioBitrate: 96, maxBitrate: 1500, preset: 'slow', frameRate: 25 } },
			{ height: 480, crf: 28, audio_bitrate_kbps: 96, max_bitrate_kbps: 1500, preset: 'slow', frame_rate: 25 },
		],
		['compress with the defaults of the sidecar', compress, { height: 720, crf: 23, options: {} }, { height: 720, crf: 23 }],
		['compress to a size', compress, { height: 720, crf: 23, compressMode: 'size', targetMb: 9.5, options: {} }, { height: 720, mode: 'size', target_mb: 9.5 }],
		['compress smartly', compress, { height: 720, crf: 23, compressMode: 'smart', qualityLevel: 'high', options: {} }, { height: 720, mode: 'smart', quality: 'high' }],
		['crop by ratio', crop, { cropMode: 'ratio', ratio: '4:5', gravity: 'top', width: 9 }, { mode: 'ratio', ratio: '4:5', gravity: 'top' }],
		['crop by pixels', crop, { cropMode: 'pixels', x: 1, y: 2, width: 30, height: 40 }, { mode: 'pixels', x: 1, y: 2, width: 30, height: 40 }],
		['crop to a size', crop, { cropMode: 'fit', width: 30, height: 40, fit: 'contain' }, { mode: 'fit', width: 30, height: 40, fit: 'contain' }],
		['convert', convert, { format: 'webm_vp9' }, { format: 'webm_vp9' }],
		['convert with options', convert, { format: 'mov_h264', options: { audioBitrate: 96 } }, { format: 'mov_h264', audio_bitrate_kbps: 96 }],
	])('%s sends its parameters by the names of the wire', async (_name, operation, fields, params) => {
		expect(await build(operation, { ...asset, ...fields })).toEqual([{ operation: operation.value, asset_id: 'a1', params }]);
	});

	it('probe needs no parameters', async () => {
		expect(await build(probe, asset)).toEqual([{ operation: 'probe', asset_id: 'a1' }]);
	});

	it('takes a URL as source', async () => {
		expect(await build(probe, { source: 'url', fileUrl: 'https://a.test/v.mp4' })).toEqual([
			{ operation: 'probe', file_url: 'https://a.test/v.mp4' },
		]);
	});

	it.each(['half', '-1', '1m', '%'])('refuses the time "%s"', async (at) => {
		await expect(build(thumbnail, { ...asset, at })).rejects.toThrow('"At"');
	});

	it('refuses a way of cropping that does not exist', async () => {
		await expect(build(crop, { ...asset, cropMode: 'circle' })).rejects.toThrow('"Crop By" must be one of');
	});
});

describe('Run Several Operations', () => {
	it('makes one request per entry, with the job it starts', async () => {
		const operations = [{ operation: 'thumbnail', params: { at: 1 }, job_id: 'j1' }, { operation: 'compress' }];
		const expected = [
			{ operation: 'thumbnail', params: { at: 1 }, job_id: 'j1', asset_id: 'a1' },
			{ operation: 'compress', asset_id: 'a1' },
		];
		expect(await build(several, { ...asset, operations })).toEqual(expected);
		expect(await build(several, { ...asset, operations: JSON.stringify(operations) })).toEqual(expected);
	});

	it.each([[[]], ['[]'], ['']])('passes the item through for the empty list %j, even without an asset', async (operations) => {
		expect(await build(several, { source: 'asset', assetId: '', operations })).toEqual([]);
	});

	it.each([
		['no list', '{"operation":"thumbnail"}', 'must be a JSON list'],
		['no JSON', '[', 'not valid JSON'],
		['an entry without an operation', '[{"operation":"probe"},{}]', 'Entry 2'],
		['parameters that are no object', '[{"operation":"probe","params":[1]}]', '"params" of entry 1'],
	])('refuses %s', async (_name, operations, message) => {
		await expect(build(several, { ...asset, operations })).rejects.toThrow(message);
	});
});
