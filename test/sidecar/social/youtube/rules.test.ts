import { completeFacts } from '../../../../sidecar/src/media/facts.ts';
import { judgeYouTube, nextPacificMidnight, whyEnded } from '../../../../sidecar/src/social/youtube/errors.ts';
import { isShort, lengthOfTags, limitsOf, resourceOf, titleOf, youTubeSettings } from '../../../../sidecar/src/social/youtube/settings.ts';
import { GRANULE_BYTES, nextChunk, storedBytes } from '../../../../sidecar/src/social/youtube/upload.ts';
import { googleError } from '../../../platforms/youtubeRules.ts';
import { postOf } from '../support.ts';

describe('the pieces of an upload', () => {
	const sizes = [1, GRANULE_BYTES - 1, GRANULE_BYTES, GRANULE_BYTES + 1, 2_000_000, 8 * GRANULE_BYTES, 8 * GRANULE_BYTES + 1, 4 * 2 ** 30, 256e9];
	it.each(sizes)('cover a file of %i bytes without a gap, in multiples of 256 KiB, and end with a small one', (total) => {
		const chunkBytes = total > 1e9 ? 64 * 2 ** 20 : 1_000_000;
		let stored = 0;
		for (;;) {
			const { start, end, last } = nextChunk(stored, total, chunkBytes);
			expect(start).toBe(stored);
			stored = end;
			if (last) {
				expect(end - start).toBeGreaterThan(0);
				expect(end - start).toBeLessThanOrEqual(GRANULE_BYTES);
				break;
			}
			expect((end - start) % GRANULE_BYTES).toBe(0);
			expect(end - start).toBeLessThanOrEqual(chunkBytes);
		}
		expect(stored).toBe(total);
	});

	it('go on from any byte', () => expect(nextChunk(100, 2_000_000, 524_288)).toEqual({ start: 100, end: 524_388, last: false }));

	it.each([
		['bytes=0-524287', 524_288],
		['bytes=0-0', 1],
		[undefined, 0],
		['bytes=5-10', null],
		['0-10', null],
	])('reads %s as %s stored bytes', (range, stored) => expect(storedBytes(range)).toBe(stored));
});

describe('the texts of a video', () => {
	it('have the first line as title where none is given, cut at a blank', () => {
		expect(titleOf({ title: ' Given ', text: 'Other' })).toBe('Given');
		expect(titleOf({ title: null, text: '\n  First line \nSecond' })).toBe('First line');
		const long = titleOf({ title: null, text: 'words '.repeat(30) });
		expect([...long].length).toBeLessThanOrEqual(100);
		expect(long).toMatch(/^(words )+words…$/);
		expect([...titleOf({ title: null, text: '😀'.repeat(120) })]).toHaveLength(100);
	});

	// platforms.md 4.5
	it.each([
		[[], 0],
		[['a'], 1],
		[['a', 'b'], 3],
		[['two words', 'b'], 13],
	])('count the tags %j as %i', (tags, length) => expect(lengthOfTags(tags)).toBe(length));

	it('are checked before anything is sent', () => {
		const settings = youTubeSettings.parse({});
		const post = postOf('a < b', [], {
			title: 'a > b',
			tags: ['x'.repeat(501), 'a,b'],
			visibility: 'unlisted',
			scheduledAt: new Date(),
			subtitles: [{ language: 'en', label: 'x'.repeat(151), srt: '', vtt: '' }],
		});
		const { problems = [] } = limitsOf(post, settings, [{ field: 'account', message: 'm' }]);
		expect(problems.map(({ field }) => field)).toEqual(['account', 'title', 'text', 'tags', 'tags', 'visibility', 'subtitles[0].label']);
		expect(limitsOf(postOf(''), settings, []).problems?.map(({ message }) => message)).toEqual(['YouTube wants a title: give one, or a text whose first line can be the title.']);
		expect(limitsOf(postOf('é'), settings, []).text.count(postOf('é'))).toBe(2);
	});

	it('become the body of the request with what was chosen, and nothing else', () => {
		const settings = youTubeSettings.parse({ category_id: '27', made_for_kids: false, synthetic_media: true, notify_subscribers: false, license: 'creativeCommon', audio_language: 'de' });
		const scheduledAt = new Date('2026-12-24T17:00:00Z');
		expect(resourceOf(postOf('D', [], { title: 'T', tags: ['a'], language: 'en', scheduledAt }), settings)).toEqual({
			parts: 'snippet,status',
			notify: false,
			resource: {
				snippet: { title: 'T', description: 'D', tags: ['a'], categoryId: '27', defaultLanguage: 'en', defaultAudioLanguage: 'de' },
				status: { privacyStatus: 'private', publishAt: '2026-12-24T17:00:00.000Z', selfDeclaredMadeForKids: false, containsSyntheticMedia: true, license: 'creativeCommon' },
			},
		});
		expect(resourceOf(postOf('D'), youTubeSettings.parse({})).resource).toEqual({ snippet: { title: 'D', description: 'D', categoryId: '22' }, status: { privacyStatus: 'public' } });
	});
});

describe('a Short', () => {
	const facts = (width: number, height: number, durationSeconds: number) =>
		completeFacts({
			mime: 'video/mp4',
			fileType: 'video',
			container: 'mp4',
			bytes: 1,
			durationSeconds,
			bitrate: null,
			video: { codec: 'h264', width, height, frameRate: 30, pixelFormat: 'yuv420p', rotation: 0, bitrate: null },
			audio: null,
		});
	it.each([
		[1080, 1920, 180, true],
		[1080, 1080, 10, true],
		[1080, 1920, 180.5, false],
		[1920, 1080, 10, false],
	])('is what %i×%i of %d s makes: %s', (width, height, seconds, short) => expect(isShort(facts(width, height, seconds))).toBe(short));
});

describe('errors of YouTube', () => {
	const now = new Date('2026-11-21T10:00:00Z');
	const judge = (status: number, reason: string) => judgeYouTube(status, googleError(status, reason).body, now);

	it.each([
		[403, 'quotaExceeded', 'wait', '2026-11-22T08:00:00.000Z'],
		[400, 'uploadLimitExceeded', 'wait', '2026-11-22T10:00:00.000Z'],
		[403, 'userRateLimitExceeded', 'wait', undefined],
		[429, 'uploadRateLimitExceeded', 'wait', undefined],
		[403, 'insufficientPermissions', 'reauth', undefined],
		[401, 'youtubeSignupRequired', 'stop', undefined],
		[403, 'authenticatedUserAccountSuspended', 'stop', undefined],
		[403, 'accessNotConfigured', 'stop', undefined],
		[400, 'invalidTitle', 'stop', undefined],
	])('%i %s means %s', (status, reason, decision, retryAt) => {
		const judged = judge(status, reason);
		expect([judged?.decision, judged?.retryAt?.toISOString(), judged?.platformCode]).toEqual([decision, retryAt, reason]);
		if (decision === 'stop') expect(judged?.hint).toMatch(/\.$/);
	});

	it.each([
		[500, 'internalError'],
		[503, 'backendError'],
		[401, 'authError'],
	])('%i %s means what its status says', (status, reason) => expect(judge(status, reason)).toBeUndefined());

	it('reads no meaning into other answers', () => {
		expect(judgeYouTube(200, { id: 'v' }, now)).toBeUndefined();
		expect(judgeYouTube(502, '<html>', now)).toBeUndefined();
	});

	it.each([
		['2026-07-01T12:00:00Z', '2026-07-02T07:00:00.000Z'],
		['2026-12-01T07:59:59Z', '2026-12-01T08:00:00.000Z'],
		['2026-12-01T08:00:00Z', '2026-12-02T08:00:00.000Z'],
		// The days on which the clocks change, in March and November.
		['2026-03-08T09:00:00Z', '2026-03-09T07:00:00.000Z'],
		['2026-11-01T08:00:00Z', '2026-11-02T08:00:00.000Z'],
	])('after %s the quota starts anew at %s', (at, midnight) => expect(nextPacificMidnight(new Date(at)).toISOString()).toBe(midnight));

	it('say in words why a video did not stay', () => {
		expect(whyEnded('duplicate')).toBe('the channel has this video already');
		expect(whyEnded('newReason')).toBe('of "newReason"');
	});
});
