import { post } from '../../../nodes/SocialDistribute/operations/post';
import { schedule } from '../../../nodes/SocialDistribute/operations/schedule';
import type { NodeOperation } from '../../../nodes/shared/operation';
import { build } from '../support/build';
import { startServer, type TestServer } from '../support/sidecar';

/** Outcomes of the checks, in the order of the platforms. */
let jobs: Array<Record<string, unknown>>;
let server: TestServer;
beforeEach(async () => {
	server = await startServer(({ path }) => (path.startsWith('/api/media/batches/') ? { status: 200, body: { batch_id: 'batch-1', status: 'completed', jobs } } : undefined));
});
afterEach(() => server.close());

const ok = { status: 'completed', output_data: { ok: true, problems: [] } };
const run = (operation: NodeOperation, more: Record<string, unknown> = {}) =>
	build(
		operation,
		{ platforms: ['mastodon', 'x'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original', publishAt: '2030-01-01T00:00:00Z', options: { onProblem: 'fail_all' }, ...more },
		{
			credentials: {
				mediaSidecarApi: { url: server.url, apiKey: 'k' },
				mediaPipelineMastodonApi: { baseUrl: 'https://social.test', accessToken: 'm-token' },
				mediaPipelineXOAuth2Api: { oauthTokenData: { access_token: 'x-token' } },
			},
		},
	);

describe('Fail All', () => {
	it('asks the sidecar of all platforms first, and posts then', async () => {
		jobs = [ok, ok];
		const items = await run(post);
		expect(items.map(({ operation, params }) => [operation, params?.on_problem])).toEqual([['publish', undefined], ['publish', undefined]]);
		expect(server.batches()).toHaveLength(1);
		expect(server.batches()[0]!.items).toEqual(items.map((item) => ({ ...item, operation: 'validate_post' })));
	});

	it.each([
		[{ status: 'completed', output_data: { ok: false, problems: [{ message: 'The text has 300 characters.' }] } }, 'Nothing was posted. x: The text has 300 characters.'],
		[{ status: 'failed', error: { code: 'needs_reauth', message: 'Reconnect the account.' } }, 'Nothing was posted. x: Reconnect the account.'],
		[{ status: 'cancelled' }, 'Nothing was posted. x: could not be checked.'],
		[{ status: 'completed', output_data: {} }, 'Nothing was posted. x: could not be checked.'],
	])('posts nothing anywhere when one does not fit: %j', async (outcome, message) => {
		jobs = [ok, outcome];
		await expect(run(post)).rejects.toThrow(message);
		// Only what was asked: nothing was submitted to be published.
		expect(server.batches().flatMap(({ items }) => items.map(({ operation }) => operation))).toEqual(['validate_post', 'validate_post']);
	});

	it('asks anew each time, so that a second run sees what has become of it', async () => {
		jobs = [ok, ok];
		await run(post);
		await run(post);
		const keys = server.received.filter(({ path }) => path === '/api/media/batch').map(({ headers }) => headers['idempotency-key']);
		expect(new Set(keys).size).toBe(2);
	});

	it('does not post at a time that one of the platforms cannot keep', async () => {
		jobs = [ok, { status: 'completed', output_data: { ok: true, problems: [], scheduling: 'n8n' } }];
		await expect(run(post, { options: { onProblem: 'fail_all', scheduledAt: '2030-01-01T00:00:00Z' } })).rejects.toThrow('x: It has no scheduling of its own.');
	});

	it('checks all before it schedules any; where the platform cannot wait, the workflow does', async () => {
		jobs = [ok, { status: 'completed', output_data: { ok: true, problems: [], scheduling: 'n8n' } }];
		expect((await run(schedule)).map(({ operation }) => operation)).toEqual(['publish', 'validate_post']);
		jobs = [ok, { status: 'completed', output_data: { ok: false, problems: [{ message: 'Too long.' }] } }];
		await expect(run(schedule)).rejects.toThrow('Nothing was posted. x: Too long.');
	});

	it('is not asked for otherwise', async () => {
		await run(post, { options: {} });
		expect(server.received).toEqual([]);
	});
});
