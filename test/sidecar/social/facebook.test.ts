import type { PipelineError } from '../../../sidecar/src/errors.ts';
import { createAccountRun } from '../../../sidecar/src/social/account-run.ts';
import type { Pace } from '../../../sidecar/src/social/pace.ts';
import { graphError } from '../../platforms/graph.ts';
import { facebookTest, PAGE } from './facebook/support.ts';
import type { Account } from './stages/stage.ts';
import { dependencies, postOf, requestOf } from './support.ts';

const on = facebookTest();
const { start, publish, failed, steps, inMinutes } = on;

describe('Facebook', () => {
	it('publishes a reel as the Page, and waits until it is out', async () => {
		const account = await start({ processingPolls: 3 });
		const row = await publish(requestOf(account, postOf('words', [on.reel], { title: 'head' })));
		expect(steps()).toEqual(['accounts', 'reelStart', 'upload', 'reelFinish', 'video', 'video', 'video', 'video']);
		expect(on.facebook.posts).toMatchObject([{ kind: 'reel', text: 'words', title: 'head', media: [{ sha256: on.reel.sha256 }] }]);
		expect(row).toMatchObject({ status: 'published', account: 'demo', externalPostId: on.facebook.posts[0]!.id, permalink: `${on.facebook.url}/reel/${on.facebook.posts[0]!.id}/` });
		expect(BigInt(row.externalPostId!)).toBeGreaterThan(2n ** 53n);
	});

	it('sends only what is missing of a reel after the connection broke', async () => {
		const account = await start();
		on.facebook.fail('upload', { when: 'during', answer: 'drop', times: 2 });
		await publish(requestOf(account, postOf('resumed', [on.reel])));
		// Each break is followed by a look at bytes_transfered.
		expect(steps()).toEqual(['accounts', 'reelStart', 'upload', 'video', 'upload', 'video', 'upload', 'reelFinish', 'video', 'video', 'video']);
		expect(on.facebook.posts[0]!.media[0]!.sha256).toBe(on.reel.sha256);
	});

	it('sends a video of the feed in the ranges that Facebook wants, to its own host', async () => {
		const account = await start({ chunkBytes: 700_000 });
		await publish(requestOf(account, postOf('film', [on.wide], { link: 'https://example.com/more' })));
		expect(on.facebook.posts).toMatchObject([{ kind: 'video', text: 'film\n\nhttps://example.com/more', media: [{ sha256: on.wide.sha256 }] }]);
	});

	it('goes on with a video of the feed at the range that Facebook names', async () => {
		const account = await start();
		on.facebook.fail('videoTransfer', { when: 'after', answer: graphError({ message: 'gone wrong', code: 100 }), skip: 1 });
		const request = requestOf(account, postOf('range', [on.wide]));
		await failed(publish(request));
		await publish(request);
		// Four ranges; the second one, taken in spite of its answer, is offered again and put right.
		expect(on.facebook.count('videoTransfer')).toBe(5);
		expect(on.facebook.count('videoStart')).toBe(1);
		expect(on.facebook.posts[0]!.media[0]!.sha256).toBe(on.wide.sha256);
	});

	it.each<['processing' | 'publishing', number, RegExp]>([
		['processing', 1_363_040, /9:16/],
		['publishing', 1_363_144, /No such luck\. Nothing is public/],
	])('says so when success is followed by an error in %s, and begins anew at the next try', async (phase, code, words) => {
		const account = await start();
		on.facebook.failVideo(phase, code, 'No such luck');
		const request = requestOf(account, postOf('unlucky', [on.reel]));
		const error = await failed(publish(request));
		expect(error).toMatchObject({ code: 'post_rejected', details: { platform_code: String(code), post_status: 'failed' } });
		expect(error.message).toMatch(words);
		expect(on.facebook.posts).toHaveLength(0);
		await publish(request);
		expect(on.facebook.posts).toHaveLength(1);
		expect(on.facebook.count('reelStart')).toBe(2);
	});

	it('believes the acknowledgement, however long nothing seems to happen', async () => {
		const account = await start();
		const idle = { id: '2', status: { video_status: 'upload_complete', uploading_phase: { status: 'complete' }, processing_phase: { status: 'not_started' }, publishing_phase: { status: 'not_started' } } };
		on.facebook.fail('video', { when: 'before', answer: { status: 200, body: idle }, times: 100 });
		await publish(requestOf(account, postOf('slow', [on.reel])));
		expect(on.facebook.publicCalls).toBe(1);
		expect(on.facebook.posts).toHaveLength(1);
	});

	it('schedules reels, videos, photos and texts natively', async () => {
		const account = await start();
		const at = inMinutes(60);
		for (const media of [[on.reel], [on.wide], on.pictures, []]) {
			const row = await publish(requestOf(account, postOf(`later ${media.length}`, media, { scheduledAt: at })));
			expect(row.status).toBe('scheduled');
		}
		expect(on.facebook.posts).toHaveLength(0);
		expect(on.facebook.scheduled.map(({ kind, media, scheduledFor }) => [kind, media.length, scheduledFor])).toEqual(
			[['reel', 1], ['video', 1], ['feed', 2], ['feed', 0]].map(([kind, media]) => [kind, media, Math.floor(at.getTime() / 1000)]),
		);
	});

	it.each<[string, number, number]>([['reel', 29, 30], ['video', 179, 181], ['photos', 29, 31], ['text', 29, 31]])('knows how far ahead a %s may be scheduled', async (form, days, tooFar) => {
		const account = await start();
		const media = { reel: [on.reel], video: [on.wide], photos: on.pictures, text: [] }[form]!;
		const limits = async (minutes: number) => {
			const error = await publish(requestOf(account, postOf(form, media, { scheduledAt: inMinutes(minutes) }))).then(() => null, (thrown: PipelineError) => thrown);
			return error?.message ?? 'taken';
		};
		expect(await limits(9)).toContain('at least 10 minutes');
		expect(await limits(tooFar * 1440)).toContain('too far away');
		expect(await limits(days * 1440 - 1)).toBe('taken');
	});

	it('finds a scheduled post again whose answer was lost', async () => {
		const account = await start();
		on.facebook.fail('feed', { when: 'after', answer: 'drop' });
		const row = await publish(requestOf(account, postOf('later', on.pictures, { scheduledAt: inMinutes(60) })));
		expect(row).toMatchObject({ status: 'scheduled', externalPostId: on.facebook.scheduled[0]!.id });
		expect(on.facebook.publicCalls).toBe(1);
	});

	it('posts photos in their order, each with its description', async () => {
		const account = await start();
		const row = await publish(requestOf(account, postOf('two', on.pictures)));
		expect(on.facebook.posts[0]!.media.map(({ sha256, alt }) => [sha256, alt])).toEqual(on.pictures.map(({ sha256, altText }) => [sha256, altText]));
		expect(row.permalink).toBe(on.facebook.posts[0]!.permalink);
	});

	it('uploads photos again that have lain too long', async () => {
		const account = await start();
		const request = requestOf(account, postOf('old', on.pictures));
		on.facebook.fail('feed', { when: 'before', answer: graphError({ message: 'expired', code: 190, subcode: 463 }) });
		await failed(publish(request));
		on.clock.advance(24 * 3_600_000);
		await publish(request);
		expect([on.facebook.count('photo'), on.facebook.count('feed')]).toEqual([4, 2]);
		expect(on.facebook.posts).toHaveLength(1);
	});

	it('posts a link with its card', async () => {
		const account = await start();
		await publish(requestOf(account, postOf('Read this', [], { link: 'https://example.com/a?b=1' })));
		expect(on.facebook.posts).toMatchObject([{ text: 'Read this', link: 'https://example.com/a?b=1' }]);
	});

	it('waits until the list has settled before it believes that nothing was posted', async () => {
		const account = await start();
		on.facebook.fail('feed', { when: 'before', answer: 'drop' });
		const before = on.clock.now();
		await publish(requestOf(account, postOf('patient')));
		expect(on.facebook.posts).toHaveLength(1);
		expect(on.clock.now() - before).toBeGreaterThanOrEqual(30_000);
	});

	it('does not take an older post with the same words for its own, and does not insist', async () => {
		const account = await start();
		const first = await publish(requestOf(account, postOf('Same words')));
		const older = { id: first.externalPostId, message: 'Same words', created_time: new Date(on.clock.now() - 3_600_000).toISOString() };
		// Even where the list holds more than was asked for.
		on.facebook.fail('posts', { when: 'after', answer: { status: 200, body: { data: [older] } }, times: 100 });
		on.facebook.fail('feed', { when: 'before', answer: 'drop' });
		const error = await failed(publish(requestOf(account, postOf('Same words'))));
		// The repeat after the broken call is refused as a duplicate; of which one, nobody can tell.
		expect(error).toMatchObject({ code: 'post_unknown' });
		expect(on.facebook.posts.map(({ id }) => id)).toEqual([first.externalPostId]);
		expect(on.facebook.publicCalls).toBe(2);
	});

	it('sends a range again that did not arrive in whole', async () => {
		const account = await start();
		on.facebook.fail('videoTransfer', { when: 'before', answer: graphError({ message: 'problem', code: 6000, subcode: 1_363_019 }) });
		await publish(requestOf(account, postOf('again', [on.wide])));
		expect(on.facebook.posts).toHaveLength(1);
	});

	it('says what to do about a duplicate', async () => {
		const account = await start();
		await publish(requestOf(account, postOf('Once')));
		const error = await failed(publish(requestOf(account, postOf('Once'))));
		expect(error).toMatchObject({ code: 'post_rejected', details: { platform_code: '506' } });
		expect(error.message).toContain('Change them');
		expect(on.facebook.posts).toHaveLength(1);
	});

	it('makes stories of videos and of on.pictures, and says that their words are left out', async () => {
		const account = await start({}, { form: 'story' });
		const upright = { ...on.reel, facts: { ...on.reel.facts, durationSeconds: 12 } };
		const film = await publish(requestOf(account, postOf('unseen', [upright])));
		const picture = await publish(requestOf(account, postOf('', [{ ...on.pictures[0]!, altText: null }])));
		expect(on.facebook.posts.map(({ kind, id, text }) => [kind, id, text])).toEqual([['story', film.externalPostId, ''], ['story', picture.externalPostId, '']]);
		expect(film.warnings).toEqual([expect.stringContaining('no text')]);
		expect(picture.warnings ?? []).toEqual([]);
	});

	it('finds a story of a photo by its photo', async () => {
		const account = await start({}, { form: 'story' });
		on.facebook.fail('photoStory', { when: 'after', answer: 'drop' });
		const row = await publish(requestOf(account, postOf('', [{ ...on.pictures[0]!, altText: null }])));
		expect(row.externalPostId).toBe(on.facebook.posts[0]!.id);
		expect(on.facebook.publicCalls).toBe(1);
	});

	it('does not guess where a story of a photo is not in the list', async () => {
		const account = await start({}, { form: 'story' });
		const request = requestOf(account, postOf('', [{ ...on.pictures[0]!, altText: null }]));
		on.facebook.fail('photoStory', { when: 'after', answer: 'drop' });
		on.facebook.fail('stories', { when: 'after', answer: { status: 200, body: { data: [] } }, times: 100 });
		// The repeat is refused, because the photo is in use: that the list shows nothing proves nothing any more.
		expect(await failed(publish(request))).toMatchObject({ code: 'post_unknown', message: expect.stringContaining('posted already') });
		expect(on.facebook.posts).toHaveLength(1);
		expect(on.facebook.publicCalls).toBe(2);
	});

	it('does not take its absence for a proof a day later', async () => {
		const account = await start({}, { form: 'story' });
		const request = requestOf(account, postOf('', [{ ...on.pictures[0]!, altText: null }]));
		on.facebook.fail('photoStory', { when: 'after', answer: 'drop' });
		on.facebook.fail('stories', { when: 'before', answer: graphError({ message: 'expired', code: 190, subcode: 463 }) });
		expect(await failed(publish(request))).toMatchObject({ code: 'needs_reauth' });
		on.clock.advance(25 * 3_600_000);
		expect(await failed(publish(request))).toMatchObject({ code: 'post_unknown', message: expect.stringContaining('for a day only') });
		expect(on.facebook.publicCalls).toBe(1);
	});

	it('writes a first comment once, also when the answer is lost', async () => {
		const account = await start();
		const { externalPostId: id } = await publish(requestOf(account, postOf('post')));
		const comment = postOf('first!', [], { replyTo: { remoteId: id!, rootId: id! } });
		on.facebook.fail('comment', { when: 'after', answer: 'drop' });
		const row = await publish(requestOf(account, comment));
		expect(on.facebook.posts[0]!.comments).toMatchObject([{ id: row.externalPostId, text: 'first!' }]);
		expect(on.facebook.publicCalls).toBe(2);
		const error = await failed(publish(requestOf(account, { ...comment, media: on.pictures })));
		expect(error.message).toContain('words only');
	});

	it('adds a thumbnail and subtitles when the reel is there; what is refused is a warning', async () => {
		const account = await start();
		const track = (language: string) => ({ language, label: language, srt: '1\n00:00:00,000 --> 00:00:01,000\nHi\n', vtt: 'WEBVTT\n' });
		const post = postOf('dressed', [on.reel], { cover: on.pictures[0]!, subtitles: [track('en'), track('pt-BR')] });
		on.facebook.fail('thumbnail', { when: 'before', answer: graphError({ message: 'Bad picture', code: 100 }) });
		const row = await publish(requestOf(account, post));
		expect(on.facebook.posts[0]!.captions.map(({ locale, isDefault }) => [locale, isDefault])).toEqual([['en_US', true], ['pt_BR', false]]);
		expect(row.warnings).toEqual([expect.stringContaining('Bad picture')]);
		await publish(requestOf(account, { ...post, text: 'again' }));
		expect(on.facebook.posts[1]!.thumbnail).toBe(on.pictures[0]!.sha256);
	});

	it('slows down when the app has used most of what it may', async () => {
		const account = await start();
		on.facebook.setUsage(95);
		const blocked: Date[] = [];
		const pace: Pace = { take: async () => 0, report: async () => {}, block: async (_bucket, _now, until) => void blocked.push(until) };
		await publish(requestOf(account, postOf('slow')), { pace: () => pace });
		expect(blocked.length).toBeGreaterThan(0);
		expect(blocked.every((until) => until.getTime() > on.clock.now())).toBe(true);
	});
});

describe('posts that exist', () => {
	const runOf = (account: Account) =>
		createAccountRun(dependencies(on.database, on.clock), { ...requestOf(account, postOf('')), platform: account.platform() }, () => ({ id: PAGE, name: 'demo' }));

	it('are looked at, counted and deleted', async () => {
		const account = await start();
		const platform = account.platform();
		const run = runOf(account);
		const ids: string[] = [];
		for (const post of [postOf('text'), postOf('reel', [on.reel])]) ids.push((await publish(requestOf(account, post))).externalPostId!);
		const comment = await publish(requestOf(account, postOf('c', [], { replyTo: { remoteId: ids[1]!, rootId: ids[1]! } })));
		ids.push(comment.externalPostId!);
		Object.assign(on.facebook.posts[0]!.numbers, { reactions: 5, shares: 2 });
		Object.assign(on.facebook.posts[1]!.numbers, { reactions: 7, views: 100 });
		const none = { views: null, likes: null, comments: null, shares: null, saves: null, clicks: null };
		expect(await platform.measure!(run, [...ids, `${PAGE}_5999`, '2999'])).toEqual(
			new Map([
				[ids[0], { ...none, likes: 5, comments: 0, shares: 2 }],
				[ids[1], { ...none, likes: 7, comments: 1, views: 100 }],
				[ids[2], { ...none, likes: 0, comments: 0 }],
			]),
		);
		for (const id of [ids[2]!, ids[0]!, ids[1]!]) {
			expect(await platform.look!(run, id)).toMatchObject({ state: 'published', remoteId: id, permalink: expect.stringContaining(on.facebook.url) });
			await platform.remove!(run, id, 'published');
			expect(await platform.look!(run, id)).toMatchObject({ state: 'gone' });
			await platform.remove!(run, id, 'published');
		}
		expect(on.facebook.posts).toHaveLength(0);
	});

	it('are known as scheduled until their time', async () => {
		const account = await start();
		const run = runOf(account);
		for (const media of [[], [on.reel]]) {
			const { externalPostId: id } = await publish(requestOf(account, postOf('later', media, { scheduledAt: inMinutes(60) })));
			expect(await account.platform().look!(run, id!)).toMatchObject({ state: 'scheduled' });
		}
		on.clock.advance(3_600_000);
		expect(await account.platform().look!(run, on.facebook.scheduled[0]!.id)).toMatchObject({ state: 'published' });
	});

	it('include stories of photos, which can be seen but not counted', async () => {
		const account = await start({}, { form: 'story' });
		const run = runOf(account);
		const { externalPostId: id } = await publish(requestOf(account, postOf('', [{ ...on.pictures[0]!, altText: null }])));
		expect([...(await account.platform().measure!(run, [id!])).keys()]).toEqual([id]);
		expect(await account.platform().look!(run, id!)).toMatchObject({ state: 'published' });
	});
});
