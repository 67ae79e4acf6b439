import type { VideoFacts } from '../../../../sidecar/src/media/facts.ts';
import { compress } from '../../../../sidecar/src/operations/video/compress.ts';
import { createConvert } from '../../../../sidecar/src/operations/video/convert.ts';
import { crop } from '../../../../sidecar/src/operations/video/crop.ts';
import { thumbnail } from '../../../../sidecar/src/operations/video/thumbnail.ts';
import type { FixtureName } from '../../../fixtures/media.ts';
import { runOperation } from '../../../support/engine.ts';

const convert = createConvert();
const sizeOf = (video: VideoFacts | null): [number, number] | null => video && [video.width, video.height];

describe('compress, for real', () => {
	it.each<[FixtureName, number, number]>([
		['landscape', 640, 360],
		['portrait', 202, 360],
		['rotated', 202, 360],
		['anamorphic', 480, 360],
		['mkv', 320, 180],
		['avi', 320, 240],
		['webmWithoutDuration', 640, 360],
		['gif', 160, 120],
		['odd', 320, 180],
		['onePixel', 2, 2],
		['short', 320, 180],
		['tenBit', 320, 180],
	])('makes of %s a playable %i x %i', async (name, width, height) => {
		const { facts } = await runOperation(compress, name, { height: 360 });
		expect(facts).toMatchObject({
			mime: 'video/mp4',
			video: { codec: 'h264', pixelFormat: 'yuv420p', width, height, rotation: 0 },
		});
		if (facts.audio) expect(facts.audio).toMatchObject({ codec: 'aac' });
	});

	it('copies speech, which is small enough already', async () => {
		const { facts, reason } = await runOperation(compress, 'speech', {});
		expect(reason).toMatch(/copied/);
		expect(facts.durationSeconds).toBeCloseTo(10, 1);
	});
});

describe('thumbnail, for real', () => {
	it.each<[FixtureName, Record<string, unknown>, number, number, string]>([
		['landscape', {}, 1280, 720, 'image/jpeg'],
		['rotated', { width: 360 }, 360, 640, 'image/jpeg'],
		['speech', { at: '100%', width: 640, format: 'png' }, 640, 360, 'image/png'],
		['short', { format: 'webp' }, 320, 180, 'image/webp'],
		['longSound', { at: '50%' }, 320, 180, 'image/jpeg'],
		['jpegRotated', {}, 480, 640, 'image/jpeg'],
		['png', {}, 400, 300, 'image/jpeg'],
		['gif', {}, 160, 120, 'image/jpeg'],
	])('of %s with %j is %i x %i', async (name, params, width, height, mime) => {
		const { file, facts } = await runOperation(thumbnail, name, params);
		expect(facts).toMatchObject({ mime, fileType: 'image', video: { width, height, rotation: 0 } });
		expect(file).toMatchObject({ mime, width, height });
	});
});

describe('crop, for real', () => {
	it.each<[FixtureName, Record<string, unknown>, number, number]>([
		['landscape', { mode: 'ratio', ratio: '9:16' }, 404, 720],
		['landscape', { mode: 'pixels', x: 101, y: 51, width: 301, height: 201 }, 300, 200],
		['landscape', { mode: 'fit', width: 360, height: 640, fit: 'blur' }, 360, 640],
		['rotated', { mode: 'fit', width: 300, height: 300, fit: 'contain' }, 300, 300],
		['anamorphic', { mode: 'fit', width: 300, height: 200, fit: 'cover' }, 300, 200],
	])('of %s with %j is %i x %i', async (name, params, width, height) => {
		const { facts } = await runOperation(crop, name, params);
		expect(sizeOf(facts.video)).toEqual([width, height]);
	});
});

describe('convert, for real', () => {
	it.each<[FixtureName, string, Record<string, unknown>]>([
		['avi', 'mp4_h264', { mime: 'video/mp4', video: { codec: 'h264' }, audio: { codec: 'aac' } }],
		['silent', 'mp4_h265', { mime: 'video/mp4', video: { codec: 'hevc' }, audio: null }],
		['avi', 'mp4_av1', { mime: 'video/mp4', video: { codec: 'av1' } }],
		['mkv', 'webm_vp9', { mime: 'video/webm', video: { codec: 'vp9' }, audio: { codec: 'opus', channels: 2 } }],
		['landscape', 'mov_h264', { mime: 'video/quicktime', video: { codec: 'h264' } }],
		['mkv', 'mp3', { mime: 'audio/mpeg', video: null, audio: { codec: 'mp3', channels: 2 } }],
		['landscape', 'm4a_aac', { fileType: 'audio', audio: { codec: 'aac' } }],
		['audio', 'wav', { mime: 'audio/wav', video: null, audio: { codec: 'pcm_s16le' } }],
	])('makes of %s a %s', async (name, format, expected) => {
		const { facts } = await runOperation(convert, name, { format });
		expect(facts).toMatchObject(expected);
	});
});
