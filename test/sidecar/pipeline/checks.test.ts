import fc from 'fast-check';
import { checksSchema } from '../../../sidecar/src/contract/workspace.ts';
import { INPUT_FORMATS } from '../../../sidecar/src/media/formats.ts';
import { allowsMime, brokenRules, checkClaim, mustScan, plainMime, type Checks } from '../../../sidecar/src/pipeline/checks.ts';
import * as make from '../../support/facts.ts';

const checks = (change: Partial<Checks> = {}): Checks => ({ ...checksSchema.parse({}), ...change });
const rules = (...args: Parameters<typeof brokenRules>): string[] => brokenRules(...args).map(({ rule }) => rule.replace('checks.', ''));
const movie = make.videoFacts({ mime: 'video/mp4', fileType: 'video', durationSeconds: 10, video: make.picture({ codec: 'h264', width: 1280, height: 720 }), audio: make.sound({ codec: 'aac' }) });
const picture = make.videoFacts({ mime: 'image/png', fileType: 'image', durationSeconds: 0, video: make.picture({ codec: 'png', width: 800, height: 600 }), audio: null });
const song = make.videoFacts({ mime: 'audio/mpeg', fileType: 'audio', durationSeconds: 60, video: null, audio: make.sound({ codec: 'mp3', tracks: [] }) });

describe('the rules of a workspace', () => {
	it('let everything pass that nobody has limited', () => {
		for (const one of [movie, picture, song]) expect(brokenRules(one, checks())).toEqual([]);
	});

	it.each<[string, Partial<Checks>, string[]]>([
		['a container that is not on the list', { containers: ['video/webm', 'image/*'] }, ['containers']],
		['a container that is on it under another name', { containers: ['application/mp4'] }, []],
		['a container by a pattern', { containers: ['VIDEO/*'] }, []],
		['an empty list, which allows nothing', { containers: [] }, ['containers']],
		['a codec that is not on the list', { video_codecs: ['hevc', 'vp9'] }, ['video_codecs']],
		['a codec in other letters', { video_codecs: ['H264'], audio_codecs: ['AAC'] }, []],
		['sound in another codec', { audio_codecs: ['opus'] }, ['audio_codecs']],
		['less than the least length', { min_duration_seconds: 10.001 }, ['min_duration_seconds']],
		['exactly the least length', { min_duration_seconds: 10, max_duration_seconds: 10 }, []],
		['more than the greatest length', { max_duration_seconds: 9.9 }, ['max_duration_seconds']],
		['too small and too large at once', { min_width: 1281, max_height: 719 }, ['min_width', 'max_height']],
		['exactly the limits', { min_width: 1280, max_width: 1280, min_height: 720, max_height: 720 }, []],
		['sound where there must be none', { audio: 'forbidden' }, ['audio']],
	])('judge %s', (_, change, expected) => {
		expect(rules(movie, checks(change))).toEqual(expected);
	});

	it('ask for sound of videos only, not of pictures', () => {
		expect(rules({ ...movie, audio: null }, checks({ audio: 'required' }))).toEqual(['audio']);
		expect(rules(picture, checks({ audio: 'required', video_codecs: ['h264'], min_duration_seconds: 5 }))).toEqual([]);
		expect(rules(song, checks({ audio: 'forbidden', min_width: 100, video_codecs: ['h264'] }))).toEqual([]);
	});

	it('look at every sound track, not only at the one that plays', () => {
		const track = { codec: 'ac3', channels: 6, language: null, default: false };
		const two = { ...movie, audio: make.sound({ codec: 'aac', tracks: [{ ...track, codec: 'aac' }, track] }) };
		expect(brokenRules(two, checks({ audio_codecs: ['aac'] }))).toMatchObject([{ found: 'ac3' }]);
	});

	it('take sound alone in a container of videos for what it is', () => {
		const recording = { ...song, mime: 'video/webm' };
		expect(rules(recording, checks({ containers: ['audio/webm'] }))).toEqual([]);
		expect(rules(recording, checks({ containers: ['audio/mpeg'] }))).toEqual(['containers']);
	});

	it('name the rule, what was found, what is allowed, and whose rule it is', () => {
		const [problem] = brokenRules(movie, checks({ max_width: 640 }));
		expect(problem).toMatchObject({ rule: 'checks.max_width', found: 1280, allowed: 640 });
		for (const word of ['width', '1280', '640', 'max_width', 'settings of the workspace']) expect(problem?.message).toContain(word);
	});

	it('hold for any number: a limit is broken on its far side only', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 1, max: 9000 }), (width, limit) => {
				const wide = { ...movie, video: make.picture({ width, height: 720 }) };
				expect(rules(wide, checks({ max_width: limit }))).toEqual(width > limit ? ['max_width'] : []);
				expect(rules(wide, checks({ min_width: limit }))).toEqual(width < limit ? ['min_width'] : []);
			}),
		);
	});
});

describe('what was claimed', () => {
	const judge = (mime: string | null, fileName: string | null, content: Parameters<typeof checkClaim>[1]) => checkClaim({ mime, fileName }, content);

	it.each<[string, string | null, string | null, Parameters<typeof checkClaim>[1]]>([
		['a video sent as a picture', 'image/jpeg', 'a.jpg', movie],
		['a picture sent as a video', 'video/mp4', null, picture],
		['sound sent as a picture', 'image/png', null, song],
		['a video sent as sound', 'audio/mp4', null, movie],
		['MP3 sent as a video', 'video/mp4', null, song],
		['a video with the name of a picture', null, 'holiday.JPG', movie],
		['a video with the name of a song, of no type', 'application/octet-stream', 'song.mp3', movie],
	])('is refused: %s', (_, mime, name, content) => {
		expect(judge(mime, name, content).problem).toMatchObject({ rule: 'type', code: 'input_unsupported' });
	});

	it.each<[string, string | null, string | null, Parameters<typeof checkClaim>[1]]>([
		['nothing at all', null, null, movie],
		['no type', 'application/octet-stream', 'file', movie],
		['a server that calls all text', 'text/plain', 'video.mp4', movie],
		['a link that ends in .php', 'video/mp4', 'download.php', movie],
		['a type with parameters', 'Video/MP4; codecs="avc1"', 'a.mp4', movie],
		['an alias', 'application/mp4', null, movie],
		['an older name', 'audio/mp3', 'a.mp3', song],
		['a recording of sound in a container of videos', 'audio/webm', null, { mime: 'video/webm', fileType: 'audio' }],
		['sound in MP4 that is called a video', 'video/mp4', 'a.mp4', { mime: 'video/mp4', fileType: 'audio' }],
		['an animated GIF, which is both', 'image/gif', 'a.gif', { mime: 'image/gif', fileType: 'video' }],
	])('is taken: %s', (_, mime, name, content) => {
		expect(judge(mime, name, content)).toEqual({ problem: null, warning: null });
	});

	it('is put right where only the container differs, with a note', () => {
		expect(judge('video/quicktime', 'a.mov', movie)).toEqual({ problem: null, warning: expect.stringMatching(/video\/quicktime.*video\/mp4/) });
		expect(judge('image/jpeg', 'a.jpg', picture).warning).toContain('image/png');
	});

	it('never matters when it is the truth, whatever the kind', () => {
		fc.assert(
			fc.property(fc.constantFrom(...Object.keys(INPUT_FORMATS)), (mime) => {
				const fileType = (/^(video|audio|image)/.exec(plainMime(mime))?.[1] ?? 'video') as 'video' | 'audio' | 'image';
				expect(judge(mime, null, { mime, fileType })).toEqual({ problem: null, warning: null });
				expect(allowsMime([mime], mime) && allowsMime(['*/*'], mime)).toBe(true);
			}),
		);
	});

	it('never throws, whatever it is', () => {
		fc.assert(
			fc.property(fc.string(), fc.string(), (mime, name) => {
				const { problem, warning } = judge(mime, name, movie);
				expect(problem === null || warning === null).toBe(true);
			}),
		);
	});
});

describe('whether a file is scanned', () => {
	it.each([
		[null, true, false, 'yes'],
		[true, true, false, 'yes'],
		[false, true, false, 'yes'],
		[false, true, true, 'no'],
		[null, true, true, 'yes'],
		[null, false, false, 'no'],
		[false, false, true, 'no'],
		[true, false, true, 'impossible'],
	] as const)('wanted %p, CLAMD set: %p, CLAMD_OPTIONAL: %p: %s', (wanted, configured, optional, expected) => {
		expect(mustScan(wanted, { configured, optional })).toBe(expected);
	});
});
