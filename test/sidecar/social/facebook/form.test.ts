import { completeFacts } from '../../../../sidecar/src/media/facts.ts';
import { localeOf } from '../../../../sidecar/src/social/facebook/after.ts';
import { isSame } from '../../../../sidecar/src/social/facebook/feed.ts';
import { formOf, limitsOf, messageOf } from '../../../../sidecar/src/social/facebook/form.ts';
import { outcomeOf } from '../../../../sidecar/src/social/facebook/video.ts';
import type { PostMedia } from '../../../../sidecar/src/social/platform.ts';
import { postOf } from '../support.ts';

function mediaOf(mime: string, width: number, height: number, durationSeconds: number): PostMedia {
	const film = durationSeconds > 0;
	const video = { codec: film ? 'h264' : 'png', width, height, frameRate: film ? 30 : 0, pixelFormat: 'yuv420p', rotation: 0, bitrate: null };
	const facts = completeFacts({ mime, fileType: film ? 'video' : 'image', container: '', bytes: 1000, durationSeconds, bitrate: null, video, audio: null });
	return { path: '/nowhere', mime, bytes: 1000, sha256: '', altText: null, url: null, facts };
}
const upright = (seconds: number) => mediaOf('video/mp4', 1080, 1920, seconds);
const wide = mediaOf('video/mp4', 1920, 1080, 20);
const picture = mediaOf('image/png', 800, 600, 0);

describe('the form of a post on Facebook', () => {
	it.each<[string, string, PostMedia[], string]>([
		['words', 'auto', [], 'text'],
		['pictures', 'auto', [picture, picture], 'photos'],
		['an animated GIF, which is a video to ffmpeg', 'auto', [mediaOf('image/gif', 300, 300, 2)], 'photos'],
		['an upright video of 3 seconds', 'auto', [upright(3)], 'reel'],
		['an upright video of 90 seconds', 'auto', [upright(90)], 'reel'],
		['an upright video of 91 seconds', 'auto', [upright(91)], 'video'],
		['a small upright video', 'auto', [mediaOf('video/mp4', 480, 854, 20)], 'video'],
		['a square video', 'auto', [mediaOf('video/mp4', 1080, 1080, 20)], 'video'],
		['a wide video', 'auto', [wide], 'video'],
		['an upright video', 'video', [upright(20)], 'video'],
		['a wide video', 'reel', [wide], 'reel'],
		['an upright video', 'story', [upright(20)], 'video_story'],
		['a picture', 'story', [picture], 'photo_story'],
	])('of %s with the setting %s', (_, form, media, expected) => {
		expect(formOf(postOf('t', media), { form: form as 'auto' })).toBe(expected);
	});

	it('of an answer is a comment, whatever is set', () => {
		expect(formOf(postOf('t', [], { replyTo: { remoteId: '1', rootId: '1' } }), { form: 'story' })).toBe('comment');
	});

	it('puts a link below the words where it has no place of its own, once', () => {
		const post = { text: 'Look', link: 'https://example.com' };
		expect(messageOf(post, 'text')).toBe('Look');
		expect(messageOf(post, 'reel')).toBe('Look\n\nhttps://example.com');
		expect(messageOf({ ...post, text: '' }, 'photos')).toBe('https://example.com');
		expect(messageOf({ ...post, text: 'Look https://example.com' }, 'photos')).toBe('Look https://example.com');
		expect(messageOf({ ...post, text: 'Look https://example.com/else' }, 'photos')).toBe('Look https://example.com/else\n\nhttps://example.com');
		expect(messageOf({ ...post, text: '(https://example.com).' }, 'photos')).toBe('(https://example.com).');
		expect(limitsOf('reel').text.count(postOf('Look', [], { link: 'https://example.com' }))).toBe(25);
	});

	it.each([['en', 'en_US'], ['de', 'de_DE'], ['pt-BR', 'pt_BR'], ['pt-PT', 'pt_PT'], ['zh-Hant', 'zh_TW'], ['ar', 'ar_AR']])('names the language %s of subtitles %s', (language, locale) => {
		expect(localeOf(language)).toBe(locale);
	});
});

describe("a post in the Page's list", () => {
	const shown = { id: '1_5', message: 'Words & more', created_time: '', attachments: { data: [{ target: { id: '31' } }] } };
	const album = { ...shown, attachments: { data: [{ target: { id: '5' }, subattachments: { data: [{ target: { id: '31' } }, { target: { id: '32' } }] } }] } };
	it('is known by its photos, whatever its words', () => {
		expect(isSame(shown, { text: 'other', link: null }, ['31'])).toBe(true);
		expect(isSame(album, { text: 'other', link: null }, ['31', '32'])).toBe(true);
		expect(isSame(shown, { text: 'Words & more', link: null }, ['31', '32'])).toBe(false);
		expect(isSame({ ...shown, attachments: undefined }, { text: 'Words & more', link: null }, ['31'])).toBe(false);
	});

	it('is known by its words, and by its link where it has one', () => {
		const link = 'https://example.com/a?b=1';
		const card = (url: string) => ({ ...shown, attachments: { data: [{ target: { url } }] } });
		expect(isSame(shown, { text: 'Words  &\nmore', link: null }, [])).toBe(true);
		expect(isSame(shown, { text: 'Words', link: null }, [])).toBe(false);
		expect(isSame(card(`https://l.facebook.com/l.php?u=${encodeURIComponent(link)}&h=x`), { text: 'Words & more', link }, [])).toBe(true);
		expect(isSame(card('https://example.com/other'), { text: 'Words & more', link }, [])).toBe('unsure');
	});
});

describe('the status of a video', () => {
	const look = (status: object, permalink_url?: string) => outcomeOf({ id: '21', status, ...(permalink_url === undefined ? {} : { permalink_url }) }, (path) => `https://f${path}`);
	it.each<[string, object, unknown]>([
		['out', { publishing_phase: { status: 'complete', publish_status: 'published' } }, { state: 'published', remoteId: '21', permalink: 'https://f/reel/21/' }],
		['scheduled, though a phase is complete', { publishing_phase: { status: 'complete', publish_status: 'scheduled' } }, { state: 'scheduled', remoteId: '21', permalink: 'https://f/reel/21/' }],
		['too old', { video_status: 'expired' }, { state: 'rejected', reason: expect.stringContaining('could not process') }],
		['waiting for its time', { publishing_phase: { status: 'not_started', publish_status: 'scheduled' } }, { state: 'scheduled', remoteId: '21', permalink: 'https://f/reel/21/' }],
		['uploaded', { video_status: 'upload_complete', publishing_phase: { status: 'not_started' } }, null],
		['at work', { video_status: 'processing', processing_phase: { status: 'in_progress' } }, null],
		['refused while it was processed', { video_status: 'error', processing_phase: { status: 'error', errors: [{ code: 1363128, message: 'Too long' }] } }, { state: 'rejected', platformCode: '1363128', reason: expect.stringMatching(/^Too long\. The length is not taken/) }],
		['refused without a reason', { video_status: 'error' }, { state: 'rejected', reason: expect.stringContaining('names no reason') }],
	])('says that it is %s', (_, status, expected) => {
		const parsed = JSON.parse(JSON.stringify(status).replace('1363128', '"1363128"')) as object;
		expect(look(parsed, '/reel/21/')).toEqual(expected);
	});
});
