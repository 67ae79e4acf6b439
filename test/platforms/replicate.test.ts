import { startReplicate, type ReplicateEmulator } from './replicate.ts';

describe('the emulator of Replicate', () => {
	let server: ReplicateEmulator;
	beforeAll(async () => {
		server = await startReplicate();
	});
	afterAll(() => server.close());
	const ask = async (path: string, body?: unknown, token: string | null = server.token): Promise<[number, string]> => {
		const response = await fetch(server.url + path, {
			...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
			headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), 'content-type': 'application/json' },
		});
		return [response.status, await response.text()];
	};
	const VERSION = 'f'.repeat(64);

	it('refuses calls without a token, and with a wrong one', async () => {
		expect((await ask('/models/acme/model', undefined, null))[0]).toBe(401);
		expect((await ask('/models/acme/model', undefined, 'wrong'))[0]).toBe(401);
	});

	it('knows one model and its version', async () => {
		expect((await ask('/models/acme/model'))[0]).toBe(200);
		for (const path of ['/models/acme/other', `/models/acme/model/versions/${'0'.repeat(64)}`, '/predictions/nobody']) expect((await ask(path))[0]).toBe(404);
	});

	it.each([
		[{ version: 'old', input: {} }, 'version does not exist'],
		[{ version: VERSION }, 'input is required'],
		[{ version: VERSION, input: { colour: 'red' } }, 'Additional property colour'],
		[{ version: VERSION, input: { scale: 'two' } }, 'Invalid type'],
		[{ version: VERSION, input: { image: 'https://example.com/a.png' } }, 'no file that can be read'],
	])('refuses the prediction %j', async (body, words) => {
		expect(await ask('/predictions', body)).toEqual([422, expect.stringContaining(words)]);
	});

	it('refuses uploads without a file', async () => {
		const body = new FormData();
		body.set('name', 'x');
		const response = await fetch(`${server.url}/files`, { method: 'POST', body, headers: { authorization: `Bearer ${server.token}` } });
		expect(response.status).toBe(400);
	});
});
