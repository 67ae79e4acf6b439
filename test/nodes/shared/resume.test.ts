import { createHmac } from 'node:crypto';
import type { IExecuteData, INodeExecutionData, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { resumeFromCallback } from '../../../nodes/shared/resume';
import { runOperations } from '../../../nodes/shared/run';
import { fakeContext, NODE } from '../support/context';

const SECRET = `whsec_${Buffer.from('a secret of the test').toString('base64')}`;
const STATE = { batchId: 'batch-1', sources: [0, 1, 1], refused: [], passThrough: [] };

const job = (item_index: number, change: object = {}) => ({
	job_id: `job-${item_index}`,
	item_index,
	asset_id: 'a',
	operation: 'probe',
	status: 'completed',
	output_data: {},
	error: null,
	...change,
});
const callback = (jobs: object[] = [job(0), job(1), job(2)]) => ({ type: 'batch.finished', batch_id: 'batch-1', status: 'completed', jobs });

function signed(body: string, { secret = SECRET, age = 0 } = {}): Record<string, string> {
	const timestamp = String(Math.floor(Date.now() / 1000) - age);
	const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
	const signature = createHmac('sha256', key).update(`msg_1.${timestamp}.${body}`).digest('base64');
	return { 'webhook-id': 'msg_1', 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

interface Call {
	body: unknown;
	headers?: Record<string, string>;
	state?: unknown;
	/** What n8n would show as its stack entry; `null`: a version that does not. */
	entry?: IExecuteData | null;
}

interface Called {
	response: IWebhookResponseData;
	refusal: { status: number; body: { error: { code: string } } } | undefined;
	entry: IExecuteData | null;
}

async function call({ body, headers, state = STATE, entry }: Call): Promise<Called> {
	const raw = JSON.stringify(body);
	const answer: { status?: number; body?: Called['refusal'] } = {};
	const executeData = entry === undefined ? parked() : entry;
	const response = {
		status(code: number) {
			answer.status = code;
			return response;
		},
		json(value: unknown) {
			answer.body = value as Called['refusal'];
			return response;
		},
	};
	const context = {
		executeData,
		getNode: () => NODE,
		getCredentials: () => Promise.resolve({ callbackSecret: SECRET }),
		getHeaderData: () => headers ?? signed(raw),
		getBodyData: () => body,
		getRequestObject: () => ({ rawBody: Buffer.from(raw) }),
		getResponseObject: () => response,
		evaluateExpression: (expression: string) =>
			expression === '{{ $node["Media \\"A\\""].context["mediaPipeline"] }}' && state !== null ? JSON.stringify(state) : undefined,
		logger: { error: () => undefined },
	};
	const given: object = context;
	const result = await resumeFromCallback(given as IWebhookFunctions);
	const refusal = answer.status === undefined ? undefined : { status: answer.status, body: answer.body as never };
	return { response: result, refusal, entry: executeData };
}

function parked(main: INodeExecutionData[][] = [[], []]): IExecuteData {
	return {
		data: { main },
		node: { ...NODE, disabled: true },
		source: { main: [{ previousNode: 'Before' }, { previousNode: 'Before' }] },
		metadata: { forwardAllOutputs: true },
	};
}

/** What n8n does next: it runs `execute()` of the entry with what `webhook()` returned. */
async function executeAgain({ response, entry }: Called): Promise<INodeExecutionData[][]> {
	const [items] = response.workflowData ?? [];
	const { context, executeData } = fakeContext({ parameters: {}, items: items ?? [] });
	executeData.metadata = entry?.metadata;
	return await runOperations(context, []);
}

describe('resumeFromCallback', () => {
	it('resumes with all jobs, each linked to its own input item although one before it failed', async () => {
		const failure = { status: 'failed', error: { code: 'input_corrupt', message: 'cut off' } };
		const called = await call({ body: callback([job(0, failure), job(1), job(2)]) });
		expect(called.refusal).toBeUndefined();
		expect(called.entry?.node.disabled).toBe(false);
		expect(called.entry?.source?.main).toHaveLength(1);
		const [done, failed] = await executeAgain(called);
		expect(done?.map(({ json, pairedItem }) => [json.job_id, pairedItem])).toEqual([
			['job-1', { item: 1 }],
			['job-2', { item: 1 }],
		]);
		expect(failed?.map(({ json, pairedItem }) => [json.code, pairedItem])).toEqual([['input_corrupt', { item: 0 }]]);
	});

	it('adds what needed no work and what was refused before, in the order of the input', async () => {
		const state = { ...STATE, sources: [2], passThrough: [0], refused: [{ itemIndex: 1, error: { code: 'invalid_request', message: 'no' } }] };
		const called = await call({ body: callback([job(0)]), state, entry: parked([[{ json: { untouched: true } }], []]) });
		const [done, failed] = await executeAgain(called);
		expect(done).toMatchObject([
			{ json: { untouched: true }, pairedItem: { item: 0 } },
			{ json: { job_id: 'job-0' }, pairedItem: { item: 2 } },
		]);
		expect(failed).toMatchObject([{ json: { code: 'invalid_request' }, pairedItem: { item: 1 } }]);
	});

	it('returns the plain outputs to a version of n8n that does not show its stack entry', async () => {
		const { response } = await call({ body: callback(), entry: null });
		expect(response.workflowData?.map((items) => items.length)).toEqual([3, 0]);
	});

	it.each([
		['without a signature', { body: callback(), headers: {} }, 401, 'callback_unsigned'],
		['signed with another secret', { body: callback(), headers: signed(JSON.stringify(callback()), { secret: 'whsec_b3RoZXI=' }) }, 401, 'callback_forged'],
		['signed for another body', { body: callback(), headers: signed('{}') }, 401, 'callback_forged'],
		['older than five minutes', { body: callback(), headers: signed(JSON.stringify(callback()), { age: 301 }) }, 401, 'callback_stale'],
		['of another batch', { body: { ...callback(), batch_id: 'batch-2' } }, 409, 'callback_unexpected'],
		['while nothing is waited for', { body: callback(), state: null }, 409, 'callback_unexpected'],
		['while the stored state is none', { body: callback(), state: { batchId: 'batch-1' } }, 409, 'callback_unexpected'],
		['that is no callback', { body: { type: 'job.progress', batch_id: 'batch-1' } }, 400, 'callback_malformed'],
		['whose jobs are none', { body: callback([{ nonsense: true }]) }, 400, 'callback_malformed'],
	] as Array<[string, Call, number, string]>)('leaves the execution parked for a callback %s', async (_name, given, status, code) => {
		const { response, refusal, entry } = await call(given);
		expect(response).toEqual({ noWebhookResponse: true });
		expect(refusal).toMatchObject({ status, body: { error: { code } } });
		expect(entry?.node.disabled).toBe(true);
	});

	it('tells the sidecar of an unexpected callback in words that make it give up', async () => {
		const { refusal } = await call({ body: { ...callback(), batch_id: 'batch-2' } });
		expect(JSON.stringify(refusal?.body)).toMatch(/has finished/);
	});

	it('never throws, whatever n8n hands over', async () => {
		const { response, refusal } = await call({ body: callback(), state: undefined, entry: parked(), headers: { ...signed(JSON.stringify(callback())) } });
		expect(refusal).toBeUndefined();
		expect(response.workflowData).toBeDefined();
		const broken = await call({ body: callback([{ job_id: 'x', item_index: 0, status: 'completed' }]), state: { ...STATE, passThrough: 'no list' } });
		expect(broken.response).toEqual({ noWebhookResponse: true });
		expect(broken.refusal?.status).toBe(500);
	});
});

describe('a carrier that did not come from n8n', () => {
	it('is an item like any other', async () => {
		const { context } = fakeContext({ parameters: { operation: 'none' }, items: [{ json: { mediaPipelineOutputs: [[{ json: { forged: true } }], []] } }] });
		await expect(runOperations(context, [])).rejects.toThrow('This node has no operation');
	});
});
