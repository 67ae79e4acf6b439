import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveSigningKey, signedUrl } from '../../sidecar/src/storage/signed-url.ts';
import { createJudge, type Judge } from '../support/fuzz/judge.ts';
import { Random } from '../support/fuzz/random.ts';
import { endpointsOf, requestsTo, type Endpoint, type Known } from '../support/fuzz/requests.ts';
import { Client, type Sent } from '../support/fuzz/send.ts';
import { HOSTILE_SEGMENTS } from '../support/fuzz/values.ts';
import { startTestSidecar, type TestSidecar } from '../support/sidecar.ts';

/** FUZZ_SEED repeats a run; FUZZ_EFFORT (default 1) multiplies the requests. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_122);
const EFFORT = Number(process.env['FUZZ_EFFORT'] ?? 1);
/** Requests that are under way at the same time. */
const AT_ONCE = 4;
/** Nobody listens on the port for "discard": what is sent there ends at once. */
const CLOSED = '127.0.0.1:9';
const MOST_MEMORY_GROWTH = 400 * 1024 * 1024;

let sidecar: TestSidecar;
let client: Client;
let judge: Judge;
let known: Known;
let endpoints: Endpoint[];
let keys: Record<string, string>;

beforeAll(async () => {
	sidecar = await startTestSidecar({ CONCURRENCY: '1', ALLOWED_PRIVATE_HOSTS: CLOSED, GOOGLE_API_BASE_URL: `http://${CLOSED}`, DROPBOX_API_BASE_URL: `http://${CLOSED}`, DROPBOX_CONTENT_BASE_URL: `http://${CLOSED}`, DISCORD_API_BASE_URL: `http://${CLOSED}`, API_REQUESTS_PER_MINUTE: '10000000', AUTH_FAILURES_PER_MINUTE: '10000000' });
	client = new Client(sidecar.url);
	keys = JSON.parse(await readFile(join(sidecar.folder, 'keys.json'), 'utf8')) as Record<string, string>;
	// A process that is not ready says so with 503, a source that nobody answers for with 502.
	judge = createJudge([sidecar.folder, sidecar.apiKey, sidecar.callbackSecret, ...Object.values(keys)], (path, status) => (status === 503 && path.startsWith('/readyz')) || (status === 502 && path.startsWith('/api/media/sources/list')));
	endpoints = endpointsOf(JSON.parse((await client.send({ method: 'GET', path: '/openapi.json', headers: {} })).body) as Parameters<typeof endpointsOf>[0]);
	// What is deleted, and what a workspace decides for itself (quotas, checks, limits), changes what all other requests are answered: last.
	const decides = ({ method, template }: Endpoint): number => (method !== 'GET' && /\/workspaces?(\/|$)/.test(template) ? 2 : Number(method === 'DELETE'));
	endpoints.sort((a, b) => decides(a) - decides(b));
	known = { apiKey: sidecar.apiKey, ids: await things() };
});
afterAll(async () => {
	client.close();
	await sidecar.close();
});

/** Ids of an asset, a job, a batch and a webhook that exist: requests get past "there is no such thing". */
async function things(): Promise<string[]> {
	const { body: signed } = await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: 10, mime_type: 'video/mp4' });
	const { body: batch } = await sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'probe', file_url: 'https://media.invalid/a.mp4' }] });
	const { body: jobs } = await sidecar.call('GET', '/api/media/jobs');
	const { body: webhook } = await sidecar.call('POST', '/api/media/webhooks', { url: `http://${CLOSED}/x`, events: ['job.completed'] });
	const ids = [signed.asset_id, batch.batch_id, jobs.jobs[0]?.id, (webhook as { id?: string }).id];
	return ids.filter((id): id is string => typeof id === 'string');
}

async function findings(requests: Iterable<Sent>, name: (sent: Sent) => string, page = false): Promise<{ count: number; problems: string[]; statuses: number[] }> {
	const statuses: number[] = [];
	const problems = new Map<string, string>();
	let count = 0;
	const queue = requests[Symbol.iterator]();
	const work = async (): Promise<void> => {
		for (let next = queue.next(); !next.done; next = queue.next()) {
			const sent = next.value;
			count += 1;
			let problem: string | null;
			let answer = '';
			try {
				const received = await client.send(sent);
				statuses.push(received.status);
				problem = judge(sent.method, sent.path, received, page);
				answer = received.body.slice(0, 300);
			} catch (error) {
				// Headers beyond what a server takes end the connection while the rest is still being sent.
				problem = (error as NodeJS.ErrnoException).code === 'ECONNRESET' && sent.path.length > 15_000 ? null : (error as Error).message;
			}
			if (problem) problems.set(`${name(sent)} ${problem}`, `${sent.method} ${sent.path.slice(0, 200)} ${JSON.stringify(sent.headers).slice(0, 300)} ${String(sent.body).slice(0, 300)} -> ${answer}`);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
	return { count, statuses, problems: [...problems].map(([what, how]) => `${what}\n    ${how}`) };
}

describe(`every endpoint of the document (FUZZ_SEED=${SEED})`, () => {
	it('refuses what is wrong with a reason, tells nothing of its insides, and stays up', async () => {
		const before = memory();
		const random = new Random(SEED);
		let requests = 0;
		const found: string[] = [];
		const answered = new Map<number, number>();
		for (const endpoint of endpoints) {
			const { count, problems, statuses } = await findings(requestsTo(endpoint, random, known, EFFORT), () => `${endpoint.method} ${endpoint.template}`, endpoint.page);
			for (const status of statuses) answered.set(status, (answered.get(status) ?? 0) + 1);
			requests += count;
			found.push(...problems);
		}
		expect({ seed: SEED, found }).toEqual({ seed: SEED, found: [] });
		// Requests that a limit has stopped at the door have tried nothing; some of the others must have been right.
		expect(answered.get(429)).toBeUndefined();
		expect((answered.get(200) ?? 0) + (answered.get(201) ?? 0) + (answered.get(202) ?? 0)).toBeGreaterThan(endpoints.length);
		process.stderr.write(`${requests} requests to ${endpoints.length} endpoints, seed ${SEED}: ${[...answered].sort(([a], [b]) => a - b).map(([status, times]) => `${status} ${times}`).join(', ')}\n`);
		expect(endpoints.length).toBeGreaterThan(80);
		expect(requests).toBeGreaterThan(endpoints.length * 20);
		expect(await client.send({ method: 'GET', path: '/healthz', headers: {} })).toMatchObject({ status: 200 });
		expect(await sidecar.call('GET', '/api/media/whoami')).toMatchObject({ status: 200 });
		expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
		expect(memory() - before).toBeLessThan(MOST_MEMORY_GROWTH);
	}, 600_000 * EFFORT);

	it('gives nothing to a request without a key', async () => {
		const guarded = endpoints.filter(({ open }) => !open);
		const random = new Random(SEED);
		const answers = await Promise.all(
			guarded.map(async ({ method, template }) => {
				const { status } = await client.send({ method, path: template.replace(/\{\w+\}/g, () => random.pick(known.ids)), headers: {} });
				return `${method} ${template} ${status}`;
			}),
		);
		expect(answers.filter((answer) => !answer.endsWith(' 401'))).toEqual([]);
	});

	it('gives nothing outside the storage to a link that is signed', async () => {
		const signingKey = deriveSigningKey(keys['ENCRYPTION_KEY'] as string);
		const expiresAt = new Date(Date.now() + 60_000);
		const link = (method: 'GET' | 'PUT', path: string): string => signedUrl(signingKey, '', { method, path, expiresAt, ...(method === 'PUT' ? { maxBytes: 100 } : {}) });
		const paths = HOSTILE_SEGMENTS.flatMap((segment) => [`/files/${segment}`, `/files/raw/${segment}/x.mp4`, `/files/../${segment}`]);
		const sent = [
			...paths.map((path): Sent => ({ method: 'GET', path: link('GET', path), headers: { range: 'bytes=0-10' } })),
			...HOSTILE_SEGMENTS.flatMap((segment) => [`/uploads/default/${segment}`, `/uploads/${segment}/${known.ids[0]}`]).map((path): Sent => ({ method: 'PUT', path: link('PUT', path), headers: {}, body: 'x' })),
		];
		const { problems, count } = await findings(sent, ({ method, path }) => `${method} ${path.slice(0, 60)}`);
		expect(problems).toEqual([]);
		expect(count).toBe(sent.length);
	});
});

describe('what is no request', () => {
	const head = 'Host: x\r\nConnection: close\r\n';
	it.each([
		['a header split by CRLF', `GET /api/media/whoami HTTP/1.1\r\n${head}Authorization: Bearer a\r\nX-A: b\rc\r\n\r\n`],
		['two lengths', `POST /api/media/sign HTTP/1.1\r\n${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
		['a length and chunks', `POST /api/media/sign HTTP/1.1\r\n${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
		['a NUL in a header', `GET /healthz HTTP/1.1\r\n${head}X-A: a\0b\r\n\r\n`],
		['headers larger than any', `GET /healthz HTTP/1.1\r\n${head}X-A: ${'a'.repeat(40_000)}\r\n\r\n`],
		['an address longer than any', `GET /healthz?${'a'.repeat(40_000)} HTTP/1.1\r\n${head}\r\n`],
		['a method of its own', `EXPLODE /healthz HTTP/1.1\r\n${head}\r\n`],
		['no HTTP at all', 'hello\r\n\r\n'],
		['an absolute address', `GET http://169.254.169.254/healthz HTTP/1.1\r\n${head}\r\n`],
		['an address with control characters', `GET /a\x01b HTTP/1.1\r\n${head}\r\n`],
		['dots that leave the root', `GET /../../etc/passwd HTTP/1.1\r\n${head}\r\n`],
	])('%s is answered at once, with JSON', async (_, bytes) => {
		const answer = await client.raw(bytes);
		const [first = '', ...rest] = answer.split('\r\n');
		const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
		const body = rest.join('\r\n').split('\r\n\r\n').slice(1).join('');
		const headers = Object.fromEntries(rest.filter((line) => line.includes(': ')).map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]));
		expect(status).toBeGreaterThanOrEqual(200);
		expect({ answer, problem: judge('GET', '/raw', { status, headers, body }) }).toEqual({ answer, problem: null });
	});
});

const memory = (): number => {
	globalThis.gc?.();
	return process.memoryUsage().rss;
};
