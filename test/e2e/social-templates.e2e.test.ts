import { readFileSync } from 'node:fs';
import { workflowId } from '../../scripts/lib/seed-n8n.ts';
import { SOCIAL_STAND_INS } from '../../scripts/lib/social-stand-ins.ts';
import { fixture } from '../fixtures/media.ts';
import { waitFor } from './harness/wait.ts';
import { World, type Execution, type Item } from './harness/world.ts';

const PLATFORMS = SOCIAL_STAND_INS.map(({ platform }) => platform);
const DISTRIBUTE = workflowId('distribute-media.json');
const SCHEDULE = workflowId('schedule-best-time.json');
const COMPARE = workflowId('ab-test-captions.json');
const HOUR_MS = 3_600_000;

/** The templates that publish, on all ten platforms. */
describe('the templates that publish', () => {
	let world: World;
	let asset: string;
	beforeAll(async () => {
		world = await World.start({}, { allPlatforms: true });
		await world.importTemplates();
		asset = await world.sidecar.upload(new Uint8Array(readFileSync(fixture('speech'))), 'speech.mp4', 'video/mp4');
		const explain = () => world.logs();
		await waitFor(async () => (await world.sidecar.processView(asset)).asset.status === 'ready', { what: 'the video to be checked', explain });
	});
	afterAll(async () => {
		await world?.close();
	});

	/** What each platform has by now. */
	const published = () => Object.fromEntries(PLATFORMS.map((platform) => [platform, { posts: world.social(platform).posts.length, publicCalls: world.social(platform).publicCalls }]));
	const items = (execution: Execution | undefined, node: string, output = 0): Item[] => (execution?.runs[node] ?? []).flatMap((run) => run.data?.main[output] ?? []);

	it('post on every platform once, whatever fails and however often the call arrives, and name at the end what failed', async () => {
		world.social('linkedin').fail('create', { when: 'before', answer: { status: 403, body: { status: 403, message: 'ACCESS_DENIED' } } });
		const body = {
			action: 'upload_media',
			asset_id: asset,
			// LinkedIn's turn comes before most others.
			platforms: ['linkedin', 'friendster', ...PLATFORMS.filter((platform) => platform !== 'linkedin'), ' X'],
			text: 'Green tea, explained',
			outputs: { caption: { captions: [{ platform: 'mastodon', text: 'Green tea, explained' }, { platform: 'x', text: 'Tea in short' }], title: 'Tea' } },
			metadata: { pinterest_board: 'Ideas', tiktok_privacy: 'everyone' },
		};
		await world.callTemplate('distribute-media', body, { 'webhook-id': 'msg_once' });
		const [first] = await world.ended(DISTRIBUTE, 1);

		const outcomes = items(first, 'Outcome').map(({ json }) => json);
		expect(outcomes.filter(({ ok }) => !ok).map(({ platform, code }) => [platform, code])).toEqual([
			['linkedin', expect.any(String)],
			['friendster', 'unknown_platform'],
		]);
		expect(outcomes.filter(({ ok }) => ok).map(({ platform }) => platform)).toEqual(PLATFORMS.filter((platform) => platform !== 'linkedin'));
		expect(first?.status).toBe('error');
		expect(first?.error?.message).toMatch(/^Not published on linkedin, friendster[.] linkedin: .+ \(code \w+, job .+\) [|] friendster: .+ \(code unknown_platform\)$/);
		const once = { posts: 1, publicCalls: 1 };
		const after = { ...Object.fromEntries(PLATFORMS.map((platform) => [platform, once])), linkedin: { posts: 0, publicCalls: 0 } };
		expect(published()).toEqual(after);
		expect([world.x, world.mastodon, world.social('threads')].map(({ posts: [post] }) => post?.text)).toEqual(['Tea in short', 'Green tea, explained', 'Green tea, explained']);

		// Its sender got no answer, and calls again: what is out stays alone, what is missing follows.
		await world.callTemplate('distribute-media', body, { 'webhook-id': 'msg_once' });
		const [, second] = await world.ended(DISTRIBUTE, 2);
		expect(published()).toEqual({ ...after, linkedin: once });
		expect(second?.error?.message).toMatch(/^Not published on friendster[.]/);
		// Twenty uploads, with renditions for those that want another shape.
	}, 480_000);

	it('leave TikTok a draft when nobody said who may see it', async () => {
		const before = published();
		await world.callTemplate('distribute-media', { asset_id: asset, platforms: ['tiktok'], text: 'A draft' });
		const execution = (await world.ended(DISTRIBUTE, 3)).at(-1);
		expect([execution?.status, execution?.error]).toEqual(['success', null]);
		expect(items(execution, 'Published').map(({ json }) => [json.platform, json.permalink, json.external_post_id])).toEqual([['tiktok', '', expect.stringMatching(/^v_inbox/)]]);
		expect(published().tiktok?.posts).toBe(before.tiktok?.posts);
	});

	it('schedule at the best time: on the platform where it can, else in n8n, each by itself', async () => {
		const before = published();
		await world.callTemplate('schedule-best-time', { asset_id: asset, platforms: ['x', 'friendster', 'mastodon'], text: 'At a good time', time_zone: 'Europe/Berlin' });
		const waiting = await waitFor(
			async () => {
				const all = await world.n8n.listExecutions(SCHEDULE);
				return all.some(({ status }) => status === 'error') && all.find(({ status, mode }) => status === 'waiting' && mode !== 'webhook');
			},
			{ what: 'one execution to wait, the other to end', explain: () => world.logs() },
		);
		const [main] = (await world.n8n.listExecutions(SCHEDULE)).filter(({ mode }) => mode === 'webhook');
		const execution = await world.execution(String(main?.id));
		expect(execution.error?.message).toMatch(/^Not scheduled[.] .*friendster/);
		expect(items(execution, 'Scheduled').map(({ json }) => [json.platform, json.status])).toEqual([['mastodon', 'scheduled']]);
		expect(world.mastodon.scheduled.map(({ text }) => text)).toEqual(['At a good time']);

		const slots = items(execution, 'Best Time').map(({ json }) => (json.slots as Array<{ at: string }>)[0]?.at);
		const parked = await world.execution(waiting.id);
		expect(items(parked, 'One Post and Its Time').map(({ json }) => [json.platform, json.publish_at])).toEqual([['x', slots[0]]]);
		expect(Date.parse(String(slots[0]))).toBeGreaterThan(Date.now());
		expect(published()).toEqual({ ...before, mastodon: { ...before.mastodon, publicCalls: Number(before.mastodon?.publicCalls) + 1 } });
		await world.n8n.stopExecution(waiting.id);
	});

	it('post when the time has come, once, also when the request came twice and one platform refused', async () => {
		const before = published();
		const known = (await world.n8n.listExecutions(SCHEDULE)).length;
		const body = { asset_id: asset, platforms: ['pinterest', 'x', 'bluesky'], text: 'Right away', publish_at: new Date(Date.now() - HOUR_MS).toISOString() };
		for (let time = 0; time < 2; time++) await world.callTemplate('schedule-best-time', body, { 'idempotency-key': 'right-away' });
		// Each request: one execution that schedules, two that post.
		const executions = (await world.ended(SCHEDULE, known + 6)).slice(known);

		const posting = executions.filter(({ runs }) => runs.Post);
		expect(posting.map(({ status }) => status)).toEqual(['success', 'success', 'success', 'success']);
		expect(posting.map((execution) => items(execution, 'Posted')[0]?.json.platform).sort()).toEqual(['bluesky', 'bluesky', 'x', 'x']);
		for (const { error } of executions.filter(({ runs }) => !runs.Post)) expect(error?.message).toMatch(/^Not scheduled[.] pinterest: .*board/);
		const more = (platform: string) => ({ posts: Number(before[platform]?.posts) + 1, publicCalls: Number(before[platform]?.publicCalls) + 1 });
		expect(published()).toEqual({ ...before, x: more('x'), bluesky: more('bluesky') });
	});

	it('read the numbers back every hour, on the platforms that have posts, and post nothing', async () => {
		const before = published();
		world.social('linkedin').fail('me', { when: 'before', answer: { status: 401, body: { status: 401, code: 'REVOKED_ACCESS_TOKEN' } }, times: 5 });
		const { executionId } = await world.n8n.request<{ executionId: string }>('POST', `/rest/workflows/${SCHEDULE}/run`, { triggerToStartFrom: { name: 'Every Hour' } });
		const execution = await world.result(executionId);

		expect(items(execution, 'Where Posts Are')).toHaveLength(PLATFORMS.length);
		const read = items(execution, 'Numbers Read').map(({ json }) => (json.posts as Array<{ platform: string }>)[0]?.platform);
		expect(read).toEqual(PLATFORMS.filter((platform) => platform !== 'linkedin'));
		expect(execution.error?.message).toMatch(/^Not all numbers could be read[.] .*\(code needs_reauth\)/);
		expect(published()).toEqual(before);
	});

	it.each([
		['the winner of two captions', 40, 'Winner', /^Variant b did better/],
		['that there is no clear difference', 1, 'No Clear Difference', /^No clear difference/],
	])('find %s', async (_what, likes, end, summary) => {
		const before = published();
		const known = (await world.n8n.listExecutions(COMPARE)).length;
		const from = world.mastodon.posts.length;
		world.openai.answer = captionsOf(`Tea, told plainly (${end})`, `Why is tea green? (${end})`);
		// Right before the numbers are read, people like B.
		world.requests.intercept(({ body }) => {
			const b = world.mastodon.posts[from + 1];
			if (b && body.includes('"get_posts"')) b.metrics.favourites = likes;
		});
		await world.callTemplate('ab-test-captions', { asset_id: asset, platform: 'mastodon', hours_between: 0.0003, hours_to_measure: 0.0003 });
		const execution = (await world.ended(COMPARE, known + 1)).at(-1);

		expect([execution?.status, execution?.error]).toEqual(['success', null]);
		expect(world.mastodon.posts.slice(from).map(({ text }) => text)).toEqual([expect.stringContaining('told plainly'), expect.stringContaining('Why is tea')]);
		expect(published()).toEqual({ ...before, mastodon: { posts: from + 2, publicCalls: Number(before.mastodon?.publicCalls) + 2 } });
		expect(items(execution, end).map(({ json }) => json.summary)).toEqual([expect.stringMatching(summary)]);
		const read = items(execution, 'Read the Numbers')[0]?.json;
		expect((read?.posts as Array<{ variant: string }>).map(({ variant }) => variant).sort()).toEqual(['a', 'b']);
	});
});

/** An answer of the writer with these two texts, and otherwise as it would be. */
function captionsOf(...texts: string[]): World['openai']['answer'] {
	return () => ({
		title: 'Tea',
		description: 'About tea.',
		tags: ['tea'],
		alt_text: 'A cup of tea.',
		captions: texts.map((text, index) => ({ platform: 'mastodon', variant: index + 1, text, hashtags: [] })),
	});
}
