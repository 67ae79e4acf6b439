import { z } from 'zod';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { createVault } from '../../../sidecar/src/secrets.ts';
import { HttpFailure } from '../../../sidecar/src/social/outcome.ts';
import type { FinishResult, Platform, ReconcileResult } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import { dependencies, expireClaims, fakeClock, openTestDatabase, postOf, requestOf } from './support.ts';

let database: OpenDatabase;
beforeAll(async () => {
	database = await openTestDatabase();
});
afterAll(() => database.close());

const out = { state: 'published', remoteId: '1', permalink: null } as const;
const lost = new HttpFailure({ action: 'create the post', decision: 'unknown', status: null, detail: 'ECONNRESET' });

/** A platform whose last step and whose looks answer what a test says, one after the other. */
function scripted(finishes: Array<FinishResult | Error>, looks: ReconcileResult[]) {
	const calls: string[] = [];
	const platform: Platform = {
		name: 'scripted',
		title: 'Scripted',
		needsBaseUrl: false,
		settings: z.strictObject({}),
		identify: async () => ({ id: '1', name: 'demo' }),
		limits: async () => ({ text: { max: 100, unit: 'characters', count: () => 1 }, maxAltText: 0, media: {}, options: { visibility: [], sensitive: false, spoilerText: false, scheduleLeadSeconds: null } }),
		start: async (run) => {
			calls.push('upload');
			await run.save({ upload: 'handle' });
		},
		check: async () => ({ state: 'ready' }),
		finish: async () => {
			calls.push('finish');
			const next = finishes.shift() ?? out;
			if (next instanceof Error) throw next;
			return next;
		},
		reconcile: async () => {
			calls.push('look');
			return looks.shift() ?? { state: 'repeat' };
		},
	};
	const request = requestOf({ platform: () => platform, credentials: { accessToken: 't', baseUrl: null, extra: {} } }, postOf('Words'));
	return { calls, request };
}
const deps = (more = {}) => dependencies(database, fakeClock(), more);
const caught = async (work: Promise<unknown>) => {
	const error: unknown = await work.then(() => null, (thrown: unknown) => thrown);
	if (!(error instanceof PipelineError)) throw new Error(`it should have failed: ${String(error)}`);
	return error;
};

describe('a publishing call whose outcome is open', () => {
	it('is looked up once more before a repeat for which everything was uploaded again', async () => {
		const { calls, request } = scripted([lost, { state: 'restart', reason: 'expired' }], [{ state: 'repeat' }, out]);
		expect(await publishPost(deps(), request)).toMatchObject({ status: 'published', externalPostId: '1' });
		expect(calls).toEqual(['upload', 'finish', 'look', 'finish', 'upload', 'look']);
	});

	it('is never said to have posted nothing', async () => {
		const gone = { state: 'restart', reason: 'expired' } as const;
		const { request } = scripted([lost, gone, gone, gone, gone, gone], []);
		const error = await caught(publishPost(deps(), request));
		expect(error.details).toMatchObject({ post_status: 'unknown' });
		expect(error.message).not.toMatch(/[Nn]othing/);
		expect(error.message).toContain('An earlier call may have published the post');
	});

	it('stays unknown when what was known of it can be read no more', async () => {
		const { calls, request } = scripted([lost], [{ state: 'unknown', reason: 'too many posts' }]);
		expect((await caught(publishPost(deps(), request))).code).toBe('post_unknown');
		await expireClaims(database);
		const error = await caught(publishPost(deps({ vault: createVault('another key, as long as the first') }), request));
		expect(error).toMatchObject({ code: 'post_unknown', message: expect.stringContaining('ENCRYPTION_KEY') });
		expect(calls.filter((call) => call === 'finish')).toHaveLength(1);
	});
});

describe('a post of which nothing can be out', () => {
	it('says so', async () => {
		const gone = { state: 'restart', reason: 'expired' } as const;
		const { request } = scripted([gone, gone, gone, gone, gone, gone], []);
		const error = await caught(publishPost(deps(), request));
		expect(error).toMatchObject({ code: 'platform_unavailable', details: { post_status: 'failed' } });
		expect(error.message).toContain('Nothing was posted.');
	});

	it('begins anew with another ENCRYPTION_KEY', async () => {
		const refused = new HttpFailure({ action: 'create the post', decision: 'reauth', status: 401, detail: '' });
		const { calls, request } = scripted([refused], []);
		expect((await caught(publishPost(deps(), request))).code).toBe('needs_reauth');
		await publishPost(deps({ vault: createVault('another key, as long as the first') }), request);
		expect(calls).toEqual(['upload', 'finish', 'upload', 'finish']);
	});

	it('begins anew as another account, whose uploads those of the first one are not', async () => {
		const refused = new HttpFailure({ action: 'create the post', decision: 'reauth', status: 401, detail: '' });
		const { calls, request } = scripted([refused], []);
		await caught(publishPost(deps(), request));
		const states: unknown[] = [];
		const other: Platform = { ...request.platform, identify: async () => ({ id: '2', name: 'other' }), start: async (run) => void states.push(run.state) };
		const row = await publishPost(deps(), { ...request, platform: other, credentials: { ...request.credentials, accessToken: 'of the other' } });
		expect([row.accountId, row.account, states]).toEqual(['2', 'other', [{}]]);
		expect(calls).toEqual(['upload', 'finish', 'finish']);
	});
});
