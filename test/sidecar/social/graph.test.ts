import { pino } from 'pino';
import { z } from 'zod';
import { createGraph, usage } from '../../../sidecar/src/social/graph.ts';
import { judgeGraph, readGraphError } from '../../../sidecar/src/social/graph/errors.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import type { Effect } from '../../../sidecar/src/social/outcome.ts';
import type { Pace } from '../../../sidecar/src/social/pace.ts';
import type { AccountRun } from '../../../sidecar/src/social/platform.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';

const at = new Date('2026-11-21T10:00:00Z');
const judged = (code: number, subcode: number | null, effect: Effect, more: { transient?: boolean; status?: number } = {}) =>
	judgeGraph(
		{ code, subcode, message: 'words', transient: more.transient ?? false },
		{ effect, status: more.status ?? 400, retryAt: null, permissionHint: 'Allow it.' },
	)?.decision;

describe('an error of Graph', () => {
	it.each<[string, number, number | null, Effect, string | undefined]>([
		['a token that has expired', 190, 463, 'publish', 'reauth'],
		['a session that has ended', 102, null, 'read', 'reauth'],
		['a missing permission', 10, null, 'upload', 'reauth'],
		['another missing permission', 200, null, 'publish', 'reauth'],
		['a throttle of the app', 4, null, 'publish', 'wait'],
		['a throttle of Instagram', 80_002, null, 'read', 'wait'],
		['"blocked", which looks like a throttle, at the publishing call', 4, 2_207_051, 'publish', 'unknown'],
		['"blocked" at any other call', 4, 2_207_051, 'upload', 'stop'],
		['something that passes', 2, null, 'read', 'retry'],
		['something that passes, at the publishing call', 2, null, 'publish', 'unknown'],
		['an unknown error of an upload', -1, 2_207_053, 'upload', 'retry'],
		['media that is not ready', 9007, 2_207_027, 'publish', 'stop'],
		['a container that is too old', -2, 2_207_020, 'publish', 'stop'],
		['a picture of the wrong format', 36_001, 2_207_005, 'upload', 'stop'],
		['the cap of the day', 9, 2_207_042, 'publish', 'stop'],
		['a video of Facebook that did not arrive', 6000, 1_363_030, 'upload', 'retry'],
		['a reel of Facebook that is too long', 6000, 1_363_128, 'publish', 'stop'],
		['a code that nobody knows', 4711, null, 'publish', undefined],
	])('is read: %s', (_, code, subcode, effect, decision) => expect(judged(code, subcode, effect)).toBe(decision));

	it('passes when it says so, and is a refusal when it comes with HTTP 200', () => {
		expect(judged(4711, null, 'read', { transient: true })).toBe('retry');
		expect(judged(4711, null, 'publish', { transient: true })).toBe('unknown');
		expect(judged(4711, null, 'publish', { status: 200 })).toBe('stop');
	});

	it('is told in the words for people, where there are any', () => {
		const error = { message: '(#9004) Only photo', code: 9004, error_subcode: 2207052, error_user_title: 'Title', error_user_msg: 'For people' };
		expect(readGraphError({ error })).toEqual({ code: 9004, subcode: 2207052, message: 'For people', transient: false });
		expect(readGraphError({ error: { ...error, error_user_msg: '' } })?.message).toBe('Title');
		expect(readGraphError({ id: '1' })).toBeNull();
		expect(readGraphError('<html>')).toBeNull();
	});
});

describe('usage', () => {
	it('is the highest of all headers, with the minutes to wait', () => {
		const headers = {
			'x-app-usage': '{"call_count":28,"total_time":95,"total_cputime":25}',
			'x-business-use-case-usage':
				'{"17841405822304914":[{"type":"instagram","call_count":40,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":3}]}',
		};
		expect(usage(headers, at)).toEqual({ percent: 95, retryAt: new Date(at.getTime() + 180_000) });
		expect(usage({}, at)).toEqual({ percent: 0, retryAt: null });
		expect(usage({ 'x-app-usage': 'nonsense' }, at)).toEqual({ percent: 0, retryAt: null });
		const ever = '{"1":[{"call_count":1e999,"estimated_time_to_regain_access":1e999}]}';
		expect(usage({ 'x-business-use-case-usage': ever }, at).retryAt).toEqual(new Date(at.getTime() + 86_400_000));
	});
});

describe('a call of Graph', () => {
	let server: TestServer;
	let answer: { headers?: Record<string, string>; body: string };
	let received: { url: string; body: string; authorization: string | undefined };
	const blocked: Date[] = [];
	beforeAll(async () => {
		server = await startServer((request, response) => {
			let body = '';
			request.on('data', (chunk: Buffer) => (body += chunk.toString()));
			request.on('end', () => {
				received = { url: request.url!, body, authorization: request.headers.authorization };
				response.writeHead(200, answer.headers).end(answer.body);
			});
		});
	});
	afterAll(() => server.close());
	beforeEach(() => {
		blocked.length = 0;
		answer = { body: '{"id":17841405822304914}' };
	});

	const pace: Pace = { take: async () => 0, report: async () => {}, block: async (_bucket, _now, until) => void blocked.push(until) };
	const run: AccountRun = {
		credentials: { accessToken: 'secret', baseUrl: null, extra: {} },
		account: null,
		settings: {},
		signal: new AbortController().signal,
		log: pino({ level: 'silent' }),
		now: () => at,
		sleep: async () => {},
		random: () => 0.5,
		maxWaitSeconds: 1,
		maxTurnSeconds: 1,
		waitedFor: null,
		pace,
	};
	const graph = () => createGraph({ http: createHttp(), baseUrl: `${server.url}/`, version: 'v26.0', permissionHint: 'Allow it.' });
	const schema = z.object({ id: z.string() });

	it('puts values into a form, lists as JSON, and leaves out what is not given; the token is in the head', async () => {
		const values = { caption: 'a & b', children: ['1', '2'], thumb_offset: 0, cover_url: null, audio_name: undefined, share_to_feed: false };
		const { data } = await graph().call(run, { action: 'test', effect: 'upload', method: 'POST', path: '/1/media', values, schema });
		expect(received).toEqual({
			url: '/v26.0/1/media',
			body: 'caption=a+%26+b&children=%5B%221%22%2C%222%22%5D&thumb_offset=0&share_to_feed=false',
			authorization: 'Bearer secret',
		});
		// An id that a double cannot hold.
		expect(data.id).toBe('17841405822304914');
	});

	it('puts values into the address where there is no body', async () => {
		await graph().call(run, { action: 'test', effect: 'read', method: 'GET', path: '/me', values: { fields: 'id,username', limit: 5 }, schema });
		expect(received).toEqual({ url: '/v26.0/me?fields=id%2Cusername&limit=5', body: '', authorization: 'Bearer secret' });
	});

	it.each([
		[79, []],
		[80, [1.5]],
		[95, [22.5]],
		[100, [30]],
		[140, [30]],
	])('leaves the account alone for a while when its usage is %i %%', async (percent, seconds) => {
		answer.headers = { 'x-app-usage': JSON.stringify({ call_count: percent }) };
		await graph().call(run, { action: 'test', effect: 'read', method: 'GET', path: '/me', schema });
		expect(blocked).toEqual(seconds.map((given) => new Date(at.getTime() + given * 1000)));
	});
});
