import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import type { Limits, PlatformRun, PostMedia } from '../../../sidecar/src/social/platform.ts';
import { findProblems } from '../../../sidecar/src/social/validate.ts';
import { createX } from '../../../sidecar/src/social/x.ts';
import { sound } from '../../support/facts.ts';
import { imageOf, postOf, videoOf } from './support.ts';

let folder: string;
let limits: Limits;
let video: PostMedia;
let image: PostMedia;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'validate-'));
	[video, image] = [await videoOf(folder, 1000), await imageOf(folder, 1000)];
	limits = await createX({ http: createHttp() }).limits({ post: postOf('') } as PlatformRun);
});
afterAll(() => rm(folder, { recursive: true }));

const now = new Date('2026-11-21T10:00:00Z');
const messages = (...given: Parameters<typeof postOf>) => findProblems(postOf(...given), limits, 'X', now).map(({ field, message }) => `${field}: ${message}`);
const videoWith = (change: Partial<NonNullable<PostMedia['facts']['video']>>, facts: Partial<PostMedia['facts']> = {}): PostMedia => ({
	...video,
	facts: { ...video.facts, ...facts, video: { ...video.facts.video!, ...change } },
});

describe('findProblems, with the limits of X', () => {
	it('lets a good post pass', () => {
		expect(messages('fine', [video])).toEqual([]);
		expect(messages('fine', [image, image, image, image])).toEqual([]);
		expect(messages('', [image])).toEqual([]);
		expect(messages('public', [], { visibility: 'public', language: 'de' })).toEqual([]);
		expect(messages('at the edge', [videoWith({ width: 720, height: 1280, frameRate: 60.002 }, { durationSeconds: 140 })])).toEqual([]);
	});

	it.each<[string, () => Parameters<typeof postOf>, RegExp]>([
		['nothing at all', () => ['  '], /^text: There is nothing to post/],
		['one character too many', () => ['a'.repeat(281)], /^text: .*281.*280.*by 1/],
		['a video and a picture', () => ['t', [video, image]], /^media: X does not mix video and image/],
		['two videos', () => ['t', [video, video]], /^media: 2 files of the kind "video".*at most 1/],
		['five pictures', () => ['t', [image, image, image, image, image]], /^media: 5 files/],
		['a file type', () => ['t', [{ ...image, mime: 'image/heic' }]], /^media\[0\]: .*image\/heic is not taken; allowed: image\/jpeg/],
		['audio', () => ['t', [{ ...video, facts: { ...video.facts, fileType: 'audio', video: null } }]], /^media\[0\]: X takes no audio/],
		['an empty file', () => ['t', [{ ...image, bytes: 0 }]], /the file is empty/],
		['a large file', () => ['t', [{ ...image, bytes: 5_000_001 }]], /5\.0 MB; at most 5\.0 MB/],
		['a long video', () => ['t', [videoWith({}, { durationSeconds: 140.5 })]], /140\.5 s; at most 140 s/],
		['a short video', () => ['t', [videoWith({}, { durationSeconds: 0.4 })]], /0\.40 s; at least 0\.5 s/],
		['a wide video', () => ['t', [videoWith({ width: 1300, height: 720 })]], /1300×720 is too large: the longer side may have 1280/],
		['a narrow video', () => ['t', [videoWith({ width: 1280, height: 400 })]], /too long and narrow: at most 3 to 1/],
		['a tiny video', () => ['t', [videoWith({ width: 30, height: 30 })]], /too small: each side needs 32/],
		['a fast video', () => ['t', [videoWith({ frameRate: 120 })]], /120\.0 frames per second; at most 60/],
		['a codec', () => ['t', [videoWith({ codec: 'hevc' })]], /video codec hevc is not taken; allowed: h264/],
		['a pixel format', () => ['t', [videoWith({ pixelFormat: 'yuv444p' })]], /pixel format yuv444p/],
		['surround sound', () => ['t', [videoWith({}, { audio: sound({ channels: 6 }) })]], /6 audio channels; at most 2/],
		['many frames of an animation', () => ['t', [{ ...videoWith({ codec: 'gif', width: 100, height: 100, frameRate: 50 }), mime: 'image/gif' }]], /500 frames; at most 350/],
		['an alternative text', () => ['t', [{ ...image, altText: 'a'.repeat(1001) }]], /^media\[0\]\.alt_text: .*1001.*1000/],
		['a visibility', () => ['t', [], { visibility: 'private' }], /^visibility: .*"private"; possible: public/],
		['a mark', () => ['t', [], { sensitive: true }], /^sensitive:/],
		['a warning', () => ['t', [], { spoilerText: 'w' }], /^spoiler_text:/],
		['a time', () => ['t', [], { scheduledAt: new Date('2026-11-22T10:00:00Z') }], /^scheduled_at: .*n8n's Wait node/],
	])('refuses %s', (_, given, expected) => {
		const found = messages(...given());
		expect(found).toHaveLength(1);
		expect(found[0]).toMatch(expected);
	});

	it('wants a scheduled time far enough ahead, where there is scheduling', () => {
		const scheduling: Limits = { ...limits, options: { ...limits.options, scheduleLeadSeconds: 300 } };
		const at = (seconds: number) => findProblems(postOf('t', [], { scheduledAt: new Date(now.getTime() + seconds * 1000) }), scheduling, 'M', now);
		expect(at(299)[0]?.message).toContain('at least 5 minutes ahead');
		expect(at(300)).toEqual([]);
	});
});
