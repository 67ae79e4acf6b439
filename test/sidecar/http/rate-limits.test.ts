import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { workspaces } from '../../../sidecar/src/db/schema.ts';
import { createRateLimiter } from '../../../sidecar/src/db/rate-limiter.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { networkOf } from '../../../sidecar/src/http/rate-limits.ts';
import { createTestPipeline, until, type TestPipeline } from '../../support/pipeline.ts';
import { eq } from 'drizzle-orm';
import { openTestDatabase } from '../../support/pglite.ts';

let pipeline: TestPipeline;
let app: TestApp;
let database: OpenDatabase;

beforeAll(async () => {
	database = await openTestDatabase();
	pipeline = await createTestPipeline({ database });
	await createWorkspace(database.db, 'one', 'key-of-one-0123456789');
	await createWorkspace(database.db, 'two', 'key-of-two-0123456789');
});
afterAll(async () => {
	await pipeline.close();
	await database.close();
});
// An app of its own has counts of its own.
beforeEach(async () => {
	app = await startTestApp(pipeline, { rateLimits: { limiter: createRateLimiter(database), requestsPerMinute: 3, failuresPerMinute: 2 }, trustProxy: ['loopback'] });
});
afterEach(() => app.close());

const ask = (key: string, from = '198.51.100.1', path = '/api/media/whoami') => fetch(`${app.url}${path}`, { headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': from } });
const statuses = async (count: number, key: string, from?: string): Promise<number[]> => {
	const all: number[] = [];
	for (let n = 0; n < count; n++) all.push((await ask(key, from)).status);
	return all;
};

describe('an address', () => {
	it.each([
		['198.51.100.1', '198.51.100.1'],
		['::ffff:198.51.100.1', '198.51.100.1'],
		['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
		['2001:db8:1:2::9', '2001:db8:1:2::/64'],
		['2001:DB8:0001:2:ffff::', '2001:db8:1:2::/64'],
		['2001:db8::1', '2001:db8:0:0::/64'],
		['::1', '0:0:0:0::/64'],
		['fe80::1%eth0', 'fe80:0:0:0::/64'],
		['unknown', 'unknown'],
	])('%s counts as %s: of a network of IPv6 there are too many to count each', (address, network) => expect(networkOf(address)).toBe(network));

	it('of the same network of IPv6 is sent away with the others', async () => {
		expect(await statuses(2, 'wrong', '2001:db8:1:2::1')).toEqual([401, 401]);
		await until(async () => (await ask('wrong', '2001:db8:1:2:9::7')).status === 429, 'the network is sent away');
		expect(await statuses(1, 'wrong', '2001:db8:1:3::1')).toEqual([401]);
	});
});

describe('a key', () => {
	it('is told what is left, and answered 429 with Retry-After when nothing is', async () => {
		const first = await ask('key-of-one-0123456789');
		expect(first.status).toBe(200);
		expect(first.headers.get('ratelimit-policy')).toBe('"key";q=3;w=60');
		expect(first.headers.get('ratelimit')).toMatch(/^"key";r=2;t=\d+$/);
		expect(await statuses(2, 'key-of-one-0123456789')).toEqual([200, 200]);
		const refused = await ask('key-of-one-0123456789');
		expect(refused.status).toBe(429);
		expect(refused.headers.get('ratelimit')).toMatch(/^"key";r=0;t=\d+$/);
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
		expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
		expect(await refused.json()).toMatchObject({ error: { code: 'rate_limited', message: expect.stringContaining('more than 3 requests'), details: { limit: 3, window_seconds: 60 } } });
	});

	it('does not use up what another one has', async () => {
		expect(await statuses(4, 'key-of-one-0123456789')).toEqual([200, 200, 200, 429]);
		expect(await statuses(1, 'key-of-two-0123456789')).toEqual([200]);
	});

	it('counts once where several routers are asked, also for what does not exist', async () => {
		const answer = await ask('key-of-one-0123456789', undefined, '/api/media/nothing-here');
		expect(answer.status).not.toBe(200);
		expect(answer.headers.get('ratelimit')).toMatch(/^"key";r=2;/);
	});

	it('has the limit of its workspace where that has one', async () => {
		await database.db.update(workspaces).set({ settings: { quotas: { requests_per_minute: 1 } } }).where(eq(workspaces.id, 'two'));
		expect(await statuses(2, 'key-of-two-0123456789')).toEqual([200, 429]);
	});
});

describe('an address', () => {
	it('that sends wrong keys is sent away, whatever it sends next', async () => {
		expect(await statuses(2, 'wrong')).toEqual([401, 401]);
		const refused = await ask('wrong');
		expect([refused.status, await refused.json()]).toMatchObject([429, { error: { code: 'rate_limited', message: expect.stringContaining('wrong API keys') } }]);
		// Not even a right key: whoever guesses must not learn that the last guess was right.
		expect(await statuses(1, 'key-of-one-0123456789')).toEqual([429]);
	});

	it('does not stand for another one', async () => {
		await statuses(3, 'wrong', '198.51.100.7');
		expect(await statuses(1, 'wrong', '198.51.100.8')).toEqual([401]);
	});

	it('still reaches it with a key that was right a moment ago', async () => {
		expect(await statuses(1, 'key-of-one-0123456789')).toEqual([200]);
		expect(await statuses(3, 'wrong')).toEqual([401, 401, 429]);
		expect(await statuses(1, 'key-of-one-0123456789')).toEqual([200]);
	});

	it('without a key has guessed nothing', async () => {
		for (let n = 0; n < 4; n++) expect((await fetch(`${app.url}/api/media/whoami`)).status).toBe(401);
	});
});

it('believes X-Forwarded-For of nobody unless told to', async () => {
	const plain = await startTestApp(pipeline, { rateLimits: { limiter: createRateLimiter(database), requestsPerMinute: 100, failuresPerMinute: 1 } });
	const wrong = (from: string) => fetch(`${plain.url}/api/media/whoami`, { headers: { authorization: 'Bearer wrong', 'x-forwarded-for': from } });
	expect([(await wrong('198.51.100.1')).status, (await wrong('198.51.100.2')).status]).toEqual([401, 429]);
	await plain.close();
});
