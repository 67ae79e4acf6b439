import { randomUUID } from 'node:crypto';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createPace } from '../../../sidecar/src/db/pace.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import { publishPost, type PublishedPost, type PublishRequest } from '../../../sidecar/src/social/publish.ts';
import { createX } from '../../../sidecar/src/social/x.ts';
import { startXEmulator, type XEmulator } from '../../platforms/x.ts';
import { dependencies, fakeClock, openTestDatabase, postOf, requestOf, type Clock } from './support.ts';
import type { Account } from './stages/stage.ts';

let database: OpenDatabase;
let clock: Clock;
let x: XEmulator;
/** Milliseconds waited inside runs. */
let slept: number;
beforeAll(async () => void (database = await openTestDatabase()));
afterAll(() => database.close());
beforeEach(async () => {
	clock = fakeClock();
	slept = 0;
	x = await startXEmulator({ now: clock.now, createLimit: { calls: 2, windowSeconds: 60 } });
});
afterEach(() => x.close());

const ask = (text: string, more: Partial<PublishRequest> = {}): PublishRequest => {
	const platform = () => createX({ http: createHttp({ now: () => new Date(clock.now()) }), apiBaseUrl: x.url, webBaseUrl: x.url });
	const account: Account = { platform, credentials: { accessToken: 'x-token', baseUrl: null, extra: {} } };
	return requestOf(account, postOf(text), more);
};
/** As workers do, who share what is known of the account. */
function workers(): (request: PublishRequest, maxTurnSeconds?: number) => Promise<PublishedPost> {
	const world = randomUUID();
	const sleep = (milliseconds: number, signal: AbortSignal): Promise<void> => {
		slept += milliseconds;
		return clock.sleep(milliseconds, signal);
	};
	return (request, maxTurnSeconds = 2) => publishPost(dependencies(database, clock, { sleep, maxTurnSeconds, pace: (account) => createPace(database.db, `${world}|${account}`) }), request);
}
const refusal = async (work: Promise<unknown>): Promise<PipelineError> => {
	const error = await work.catch((thrown: unknown) => thrown);
	if (!(error instanceof PipelineError)) throw new Error('it was not refused');
	return error;
};

describe('a call under a rate limit that is used up', () => {
	it('is not sent, and is put back at once as if it had not been tried', async () => {
		const publish = workers();
		for (const text of ['1', '2']) await publish(ask(text));
		const error = await refusal(publish(ask('3')));
		expect(error).toMatchObject({ code: 'platform_rate_limited', untried: true, details: { action: 'create the post' } });
		expect(error.message).toContain('nothing was sent');
		expect(error.retryAfterSeconds).toBeGreaterThan(50);
		expect(slept).toBe(0);
		expect([x.posts.length, x.publicCalls]).toEqual([2, 2]);
	});

	it('is sent when its turn has come, without asking for the account again', async () => {
		const publish = workers();
		for (const text of ['1', '2']) await publish(ask(text));
		const third = ask('3');
		const { retryAfterSeconds } = await refusal(publish(third));
		clock.advance(retryAfterSeconds! * 1000);
		expect(await publish({ ...third, waitedFor: 'create the post' })).toMatchObject({ status: 'published' });
		expect([x.posts.length, x.refused429, x.count('me')]).toEqual([3, 0, 3]);
	});

	it('keeps its turn when it comes back too early, and has none before those that wait when it is new', async () => {
		const publish = workers();
		for (const text of ['1', '2']) await publish(ask(text));
		const waiting = [ask('3'), ask('4'), ask('5')];
		const turns: number[] = [];
		for (const request of waiting) turns.push((await refusal(publish(request))).retryAfterSeconds!);
		expect(turns[2]! - turns[0]!).toBeGreaterThan(50);
		clock.advance(10_000);
		const early = await refusal(publish({ ...waiting[2]!, waitedFor: 'create the post' }));
		expect(early.retryAfterSeconds).toBeLessThan(60);
		expect((await refusal(publish(ask('6')))).retryAfterSeconds).toBeGreaterThan(60);
	});

	it('waits inside the run where the turn is soon enough', async () => {
		const publish = workers();
		for (const text of ['1', '2']) await publish(ask(text), 120);
		expect(await publish(ask('3'), 120)).toMatchObject({ status: 'published' });
		expect(slept).toBeGreaterThan(50_000);
		expect(x.refused429).toBe(0);
	});
});
