import { NodeApiError } from 'n8n-workflow';
import { pauseAskedFor, readBatch, submitBatch } from '../../../nodes/shared/sidecar';
import { fakeContext } from '../support/context';
import { startServer, type Answer, type TestServer } from '../support/sidecar';

describe('the sidecar client', () => {
	let server: TestServer | undefined;
	afterEach(async () => {
		await server?.close();
		server = undefined;
	});

	const contextFor = (url: string) =>
		fakeContext({ parameters: {}, credentials: { mediaSidecarApi: { url, apiKey: 'key-1', callbackSecret: 's' } } }).context;

	const failing = async (answer: Answer): Promise<NodeApiError> => {
		server = await startServer(answer);
		return await readBatch(contextFor(server.url), 'b/1').then(
			() => {
				throw new Error('it succeeded');
			},
			(error: unknown) => error as NodeApiError,
		);
	};

	it('sends the key of the credential and the idempotency key, and copes with a slash at the end of the URL', async () => {
		server = await startServer();
		const answer = await submitBatch(contextFor(`${server.url}/`), { items: [{ operation: 'probe', asset_id: 'a' }] }, 'idem-1');
		expect(answer.batch_id).toBe('batch-1');
		expect(server.received[0]).toMatchObject({
			method: 'POST',
			path: '/api/media/batch',
			headers: { authorization: 'Bearer key-1', 'idempotency-key': 'idem-1' },
		});
	});

	it('names the URL and what to check when nobody answers', async () => {
		server = await startServer();
		const { url } = server;
		await server.close();
		server = undefined;
		const error = await readBatch(contextFor(url), 'b').catch((reason: unknown) => reason as NodeApiError);
		expect(error).toBeInstanceOf(NodeApiError);
		expect((error as NodeApiError).message).toBe(`The media sidecar does not answer at ${url}`);
		expect((error as NodeApiError).description).toContain('Sidecar URL');
	});

	it('gives the words and the code of the sidecar', async () => {
		const error = await failing(() => ({
			status: 400,
			body: { error: { code: 'invalid_request', message: 'params.height: 16 to 4320', details: { given: -1 } } },
		}));
		expect(error).toBeInstanceOf(NodeApiError);
		expect(error.message).toBe('params.height: 16 to 4320');
		expect(error.description).toContain('invalid_request');
		expect(error.description).toContain('-1');
		expect(error.httpCode).toBe('400');
	});

	const oneTooMany = { status: 429, headers: { 'retry-after': '0' }, body: { error: { code: 'rate_limited', message: 'too many' } } };

	it('sends a request that was one too many again, with the same idempotency key', async () => {
		let refused = 0;
		server = await startServer(() => (refused++ < 2 ? oneTooMany : undefined));
		expect((await submitBatch(contextFor(server.url), { items: [{ operation: 'probe', asset_id: 'a' }] }, 'idem-1')).batch_id).toBe('batch-1');
		expect(server.received.map(({ headers }) => headers['idempotency-key'])).toEqual(['idem-1', 'idem-1', 'idem-1']);
	});

	it('gives up after three pauses, in the words of the sidecar', async () => {
		const error = await failing(() => oneTooMany);
		expect([error.message, server?.received.length]).toEqual(['too many', 4]);
	});

	it('pauses as long as it is asked to, but not for ever', () => {
		const asked = (statusCode: number, after?: string) => pauseAskedFor({ statusCode, headers: after === undefined ? {} : { 'retry-after': after } });
		expect([asked(429, '17'), asked(429, '65'), asked(429, '3600'), asked(429, '-1'), asked(429, 'soon'), asked(429), asked(503, '5')]).toEqual([17, 65, null, null, null, null, null]);
	});

	it('says that the key is wrong on 401', async () => {
		const error = await failing(() => ({ status: 401, body: { error: { code: 'unauthorized', message: 'no' } } }));
		expect(error.message).toBe('The media sidecar refuses the API key');
	});

	it('does not take the page of another server for an answer', async () => {
		const error = await failing(() => ({ status: 200, body: '<html></html>' }));
		expect(error.message).toContain('Unexpected answer (HTTP 200)');
	});

	it('does not follow a redirect', async () => {
		const error = await failing(({ path }) => (path === '/moved' ? { status: 200, body: {} } : { status: 301, body: '', location: '/moved' }));
		expect(error.message).toContain('Unexpected answer (HTTP 301)');
	});

	it('puts no id from outside into the path as it is', async () => {
		await failing(() => undefined);
		expect(server?.received[0]?.path).toBe('/api/media/batches/b%2F1');
	});
});
