import { NodeOperationError } from 'n8n-workflow';
import type { NodeOperation } from '../../../nodes/shared/operation';
import { ParameterError } from '../../../nodes/shared/parameters';
import { runOperations } from '../../../nodes/shared/run';
import type { WaitState } from '../../../nodes/shared/waitState';
import { fakeContext, NODE, type FakeRun } from '../support/context';
import { startServer, type Answer, type TestServer } from '../support/sidecar';

/** One job per entry of the item's `jobs`; "bad" cannot be built. */
const operation: NodeOperation = {
	name: 'Test',
	value: 'test',
	description: '',
	action: '',
	properties: [],
	build: ({ read }) =>
		(read('jobs') as string[]).map((asset) => {
			if (asset === 'bad') throw new ParameterError('"Asset ID" is empty.');
			return { operation: 'probe', asset_id: asset };
		}),
};

describe('runOperations', () => {
	let server: TestServer;
	const start = async (answer?: Answer) => {
		server = await startServer(answer);
	};
	afterEach(() => server.close());

	const run = (jobs: string[][], change: Partial<FakeRun> = {}, parameters: Record<string, unknown> = {}) => {
		const fake = fakeContext({
			items: jobs.map((_, index) => ({ json: { index } })),
			parameters: (itemIndex) => ({ operation: 'test', waitMode: 'suspend', jobs: jobs[itemIndex], ...parameters }),
			credentials: { mediaSidecarApi: { url: server.url, apiKey: 'k', callbackSecret: 'whsec_c2VjcmV0' } },
			...change,
		});
		return { ...fake, result: runOperations(fake.context, [operation]) };
	};

	it('makes one batch of all input items and suspends behind its deadline', async () => {
		await start();
		const before = Date.now();
		const { result, waits, nodeContext } = run([['a'], ['b', 'c']], {}, { deadlineMinutes: 30, priority: 5 });
		await result;
		expect(server.batches()).toEqual([
			{
				items: ['a', 'b', 'c'].map((asset_id) => ({ operation: 'probe', asset_id })),
				deadline_seconds: 1800,
				priority: 5,
				callback_url: `http://n8n.test/webhook-waiting/77/${NODE.id}?signature=abc`,
			},
		]);
		expect(waits).toHaveLength(1);
		expect(waits[0]?.getTime()).toBeGreaterThanOrEqual(before + 31 * 60_000);
		expect(JSON.parse(String(nodeContext.mediaPipeline)) as WaitState).toMatchObject({ batchId: 'batch-1', sources: [0, 1, 1] });
	});

	it('asks for every result to be made anew where reuse is switched off', async () => {
		await start();
		await run([['a'], ['b']], {}, { reuseResults: false }).result;
		expect(server.batches()[0]?.items.map(({ reuse }) => reuse)).toEqual([false, false]);
	});

	it('lets nothing look like success when the wait limit passes', async () => {
		await start();
		const { result, executeData } = run([['a'], []]);
		await result;
		const [done, failed] = executeData.data.main ?? [];
		expect(done).toEqual([{ json: { index: 1 }, pairedItem: { item: 1 } }]);
		expect(failed?.map(({ json }) => json.code)).toEqual(['deadline_exceeded']);
		expect(executeData.metadata?.forwardAllOutputs).toBe(true);
		expect(executeData.source?.main).toHaveLength(2);
	});

	it('gives timed out items no link rather than a wrong one', async () => {
		await start();
		const { result, executeData } = run([['a', 'b'], ['c']]);
		await result;
		expect(executeData.source?.main).toHaveLength(1);
	});

	it('has the same idempotency key for the same work, another for other work', async () => {
		await start();
		await run([['a']]).result;
		await run([['a']]).result;
		await run([['b']]).result;
		const [first, second, third] = server.received.map(({ headers }) => headers['idempotency-key']);
		expect(first).toMatch(new RegExp(`^n8n-77-${NODE.id}-0-[0-9a-f]{32}$`));
		expect(second).toBe(first);
		expect(third).not.toBe(first);
	});

	it('goes on at once with job ids when it is not to wait, and asks for no callback', async () => {
		await start();
		const { result, waits } = run([['a']], {}, { waitMode: 'none' });
		expect((await result)[0]).toMatchObject([{ json: { job_id: 'job-0', status: 'pending', batch_id: 'batch-1' }, pairedItem: { item: 0 } }]);
		expect(server.batches()[0]).not.toHaveProperty('callback_url');
		expect(waits).toEqual([]);
	});

	const view = (status: string) => ({
		status: 200,
		body: {
			batch_id: 'batch-1',
			status,
			jobs: [{ job_id: 'job-0', item_index: 0, asset_id: 'a', operation: 'probe', status: status === 'pending' ? 'processing' : 'completed', output_data: { x: 1 }, error: null }],
		},
	});

	it('polls until the batch has ended, also over a sidecar that is away for a moment', async () => {
		const answers = [view('pending'), { status: 503, body: {} }, view('completed')];
		await start(({ path }) => (path.includes('/batches/') ? answers.shift() : undefined));
		const { result, waits } = run([['a']], {}, { waitMode: 'poll' });
		expect((await result)[0]).toMatchObject([{ json: { status: 'completed', x: 1 } }]);
		expect(answers).toEqual([]);
		expect(waits).toEqual([]);
	});

	it.each([
		['inside an agent', { tool: true }],
		['as the tool variant of the node', { node: { type: `${NODE.type}Tool` } }],
	])('polls instead of suspending %s', async (_name, change) => {
		await start(({ path }) => (path.includes('/batches/') ? view('completed') : undefined));
		const { result, waits } = run([['a']], change);
		expect((await result)[0]).toHaveLength(1);
		expect(waits).toEqual([]);
	});

	it('shows a model what failed on the only output that it sees', async () => {
		const failed = { job_id: 'job-0', item_index: 0, asset_id: null, operation: 'probe', status: 'failed', output_data: null, error: { code: 'provider_not_configured', message: 'Set a key.' } };
		await start(({ path }) => (path.includes('/batches/') ? { status: 200, body: { batch_id: 'batch-1', status: 'failed', jobs: [failed] } } : undefined));
		const { result } = run([['a']], { tool: true });
		expect(await result).toMatchObject([[{ json: { status: 'failed', message: 'Set a key.', error: { code: 'provider_not_configured' } } }], []]);
	});

	it('does not suspend when everything was known already', async () => {
		await start(({ path }) => {
			if (path.includes('/batches/')) return view('completed');
			return { status: 202, body: { batch_id: 'batch-1', status: 'completed', jobs: [] } };
		});
		const { result, waits } = run([['a']]);
		expect((await result)[0]).toMatchObject([{ json: { status: 'completed' } }]);
		expect(waits).toEqual([]);
	});

	it('sends nothing when no item needs work', async () => {
		await start();
		const { result } = run([[], []]);
		expect(await result).toEqual([
			[
				{ json: { index: 0 }, pairedItem: { item: 0 } },
				{ json: { index: 1 }, pairedItem: { item: 1 } },
			],
			[],
		]);
		expect(server.received).toEqual([]);
	});

	it('names the item of a bad parameter, before anything is sent', async () => {
		await start();
		const error = await run([['a'], ['bad']]).result.catch((reason: unknown) => reason as NodeOperationError);
		expect(error).toBeInstanceOf(NodeOperationError);
		expect((error as NodeOperationError).context.itemIndex).toBe(1);
		expect(server.received).toEqual([]);
	});

	it('with On Error = Continue sends the good items, and the bad one leaves through Failed', async () => {
		await start();
		const { result } = run([['a'], ['bad'], ['c']], { continueOnFail: true }, { waitMode: 'none' });
		const [done, failed] = await result;
		expect(done?.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 2 }]);
		expect(failed).toMatchObject([{ json: { code: 'invalid_request', message: '"Asset ID" is empty.', item_index: 1 }, pairedItem: { item: 1 } }]);
	});

	it('with On Error = Continue all items leave through Failed when the sidecar refuses the batch', async () => {
		await start(() => ({ status: 400, body: { error: { code: 'unknown_operation', message: 'no such operation' } } }));
		const [done, failed] = await run([['a', 'b'], ['c']], { continueOnFail: true }).result;
		expect(done).toEqual([]);
		expect(failed?.map(({ json }) => [json.item_index, json.message])).toEqual([
			[0, 'no such operation'],
			[1, 'no such operation'],
		]);
	});

	const refuseItemOf = (asset: string): Answer => ({ path, body }) => {
		if (path !== '/api/media/batch') return undefined;
		const { items } = JSON.parse(body) as { items: Array<{ asset_id: string }> };
		const index = items.findIndex(({ asset_id }) => asset_id === asset);
		if (index < 0) return undefined;
		const error = { code: 'not_found', message: 'no such asset', details: { field: `items.${index}.asset_id` } };
		return { status: 404, body: { error } };
	};

	it('with On Error = Continue sends the others again without the item that the sidecar refuses', async () => {
		await start(refuseItemOf('gone'));
		const { result } = run([['a'], ['b', 'gone'], ['c']], { continueOnFail: true }, { waitMode: 'none' });
		const [done, failed] = await result;
		expect(done?.map(({ json, pairedItem }) => [json.asset_id, pairedItem])).toEqual([
			['a', { item: 0 }],
			['c', { item: 2 }],
		]);
		expect(failed).toMatchObject([{ json: { code: 'invalid_request', message: 'no such asset', item_index: 1 }, pairedItem: { item: 1 } }]);
		expect(server.batches()).toHaveLength(2);
	});

	it('names the item that the sidecar refuses', async () => {
		await start(refuseItemOf('gone'));
		const error = await run([['a'], ['gone']]).result.catch((reason: unknown) => reason as NodeOperationError);
		expect((error as NodeOperationError).context.itemIndex).toBe(1);
		expect((error as NodeOperationError).message).toBe('no such asset');
	});

	it('says what to do when the credential has no callback secret, before anything is sent', async () => {
		await start();
		const credentials = { mediaSidecarApi: { url: server.url, apiKey: 'k', callbackSecret: '' } };
		await expect(run([['a']], { credentials }).result).rejects.toThrow('The credential has no callback secret');
		expect(server.received).toEqual([]);
	});
});
