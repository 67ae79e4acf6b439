import fc from 'fast-check';
import type { Answered, Provider, ProviderName } from '../../../../sidecar/src/ai/provider.ts';
import { obstacleOf, tryInTurn, type Leg } from '../../../../sidecar/src/ai/routing/fallback.ts';
import { ERROR_KINDS, PipelineError, type ErrorCode } from '../../../../sidecar/src/errors.ts';

interface Scripted extends Provider {
	/** Null: it answers. */
	fails: ErrorCode | null;
}

const leg = (index: number, fails: ErrorCode | null, { obstacle = null, name = 'openai', languages = null }: { obstacle?: string | null; name?: ProviderName; languages?: string[] | null } = {}): Leg<Scripted> => ({
	title: `p${index}`,
	languages,
	provider: { name, model: `m${index}`, obstacle: () => obstacle, fails },
});

async function run(legs: Array<Leg<Scripted>>, { signal = new AbortController().signal, languages = [] as Array<string | undefined>, during = () => {} } = {}) {
	const asked: string[] = [];
	const outcome = await tryInTurn(legs, { capability: 'transcribe', signal, languages, obstacle: (provider) => provider.obstacle() }, async ({ name, model, fails }): Promise<Answered> => {
		asked.push(model);
		during();
		if (fails) throw new PipelineError(fails, `${model} ${fails}.`, fails === 'provider_rate_limited' ? { retryAfterSeconds: 3600 } : {});
		return { provider: name, model, usage: {}, notes: ['own note'] };
	}).then(
		(answer) => ({ answer, error: null }),
		(error: unknown) => ({ answer: null, error }),
	);
	return { ...outcome, asked };
}

describe('providers that step in for each other', () => {
	it('are asked in their order; the first answer counts, and says who could not', async () => {
		const { answer, asked } = await run([leg(1, null, { obstacle: 'Set KEY.' }), leg(2, 'provider_unavailable'), leg(3, 'provider_rejected'), leg(4, null), leg(5, null)]);
		expect(asked).toEqual(['m2', 'm3', 'm4']);
		expect(answer).toMatchObject({ model: 'm4', notes: ['p2 could not: m2 provider_unavailable. p3 could not: m3 provider_rejected. p4 did it instead.', 'own note'] });
	});

	it('add no note when the first one answers', async () => {
		expect((await run([leg(1, null), leg(2, null)])).answer?.notes).toEqual(['own note']);
	});

	it('keep the time of the next try when all fail, and tell who was tried', async () => {
		const { error } = await run([leg(1, 'provider_rejected'), leg(2, 'provider_rate_limited'), leg(3, 'provider_unavailable')]);
		expect(error).toMatchObject({ code: 'provider_rate_limited', retryAfterSeconds: 3600, details: { tried: [{ provider: 'p1' }, { provider: 'p2' }, { provider: 'p3', code: 'provider_unavailable' }] } });
	});

	it('throw the first error when none can pass', async () => {
		expect((await run([leg(1, 'provider_rejected'), leg(2, 'provider_not_configured')])).error).toMatchObject({ code: 'provider_rejected' });
	});

	it('do not step in where the input is at fault, or the code of a hosted one', async () => {
		expect(await run([leg(1, 'input_corrupt'), leg(2, null)])).toMatchObject({ asked: ['m1'], error: { code: 'input_corrupt' } });
		expect(await run([leg(1, 'processing_failed'), leg(2, null)])).toMatchObject({ asked: ['m1'], error: { code: 'processing_failed' } });
		expect((await run([leg(1, 'processing_failed', { name: 'local' }), leg(2, null)])).answer).toMatchObject({ model: 'm2' });
	});

	it('are not shown what another one refused because of its content, unless they work on this machine', async () => {
		const legs = [leg(1, 'provider_content_refused'), leg(2, null), leg(3, null, { name: 'local' })];
		expect(await run(legs)).toMatchObject({ asked: ['m1', 'm3'], answer: { model: 'm3', notes: [expect.stringContaining('p1 could not'), 'own note'] } });
		expect(await run(legs.slice(0, 2))).toMatchObject({ asked: ['m1'], error: { code: 'provider_content_refused' } });
		expect(await run([leg(1, 'provider_key_refused'), leg(2, 'provider_answer_invalid'), leg(3, null)])).toMatchObject({ asked: ['m1', 'm2', 'm3'] });
	});

	it('tell all their reasons when all fail: the first may be the one to be put right', async () => {
		const { error } = await run([leg(1, 'provider_key_refused'), leg(2, 'provider_rate_limited')]);
		expect(error).toMatchObject({
			code: 'provider_rate_limited',
			message: 'p2: m2 provider_rate_limited. p1 could not: m1 provider_key_refused.',
			details: { tried: [{ provider: 'p1', code: 'provider_key_refused', message: 'm1 provider_key_refused.' }, { provider: 'p2' }] },
		});
		expect((await run([leg(1, 'provider_key_refused')])).error).toMatchObject({ message: 'm1 provider_key_refused.' });
	});

	it('are not asked after a cancel, whatever the error was', async () => {
		const stop = new AbortController();
		const reason = new Error('cancelled');
		const { error, asked } = await run([leg(1, 'provider_unavailable'), leg(2, null)], { signal: stop.signal, during: () => stop.abort(reason) });
		expect(error).toBe(reason);
		expect(asked).toEqual(['m1']);
	});

	it('are asked only for their languages', async () => {
		const legs = [leg(1, null, { languages: ['ja', 'zh'] }), leg(2, null)];
		expect((await run(legs, { languages: ['ja'] })).asked).toEqual(['m1']);
		expect((await run(legs, { languages: ['en'] })).asked).toEqual(['m2']);
		expect((await run(legs, { languages: [undefined] })).asked).toEqual(['m2']);
		expect((await run(legs)).asked).toEqual(['m1']);
	});

	it('name every reason when nobody can', async () => {
		const legs = [leg(1, null, { obstacle: 'Set KEY.' }), leg(2, null, { languages: ['ja'] })];
		const { error, asked } = await run(legs, { languages: [undefined] });
		expect(asked).toEqual([]);
		expect(error).toMatchObject({ code: 'provider_not_configured', message: 'No provider can do this (transcribe). p1: Set KEY. p2: It is configured for ja only, and the language is not known.' });
		expect(obstacleOf(legs, { capability: 'transcribe', obstacle: (provider) => provider.obstacle(), languages: ['ja'] })).toBeNull();
		expect((await run([])).error).toMatchObject({ code: 'provider_not_configured', message: expect.stringContaining('AI_ROUTING_FILE') });
	});

	it('are each asked at most once, in their order, until one answers or the input is at fault', async () => {
		const codes = fc.constantFrom<ErrorCode | null>(null, ...(Object.keys(ERROR_KINDS) as ErrorCode[]));
		const any = fc.record({ fails: codes, obstacle: fc.option(fc.constant('No.')), name: fc.constantFrom<ProviderName>('local', 'openai') });
		const forAll = ['provider_unavailable', 'provider_rate_limited', 'provider_rejected', 'provider_key_refused', 'provider_content_refused', 'provider_answer_invalid', 'provider_not_configured'];
		const forLocal = ['processing_failed', 'processing_timeout', 'processing_stalled'];
		await fc.assert(
			fc.asyncProperty(fc.array(any, { maxLength: 6 }), async (given) => {
				const legs = given.map(({ fails, ...more }, index) => leg(index, fails, more));
				const { asked, answer, error } = await run(legs);
				const willing = given.map((entry, index) => ({ ...entry, model: `m${index}` })).filter(({ obstacle }) => obstacle === null);
				const refused = willing.findIndex(({ fails }) => fails === 'provider_content_refused');
				const can = willing.filter(({ name }, index) => refused < 0 || index <= refused || name === 'local');
				const ends = can.findIndex(({ fails, name }) => fails === null || !(forAll.includes(fails) || (name === 'local' && forLocal.includes(fails))));
				expect(asked).toEqual((ends < 0 ? can : can.slice(0, ends + 1)).map(({ model }) => model));
				const last = can[ends];
				if (last?.fails === null) expect(answer?.model).toBe(last.model);
				else if (last) expect(error).toMatchObject({ code: last.fails });
				else if (can.length === 0) expect(error).toMatchObject({ code: 'provider_not_configured' });
				else expect(error).toMatchObject({ code: (can.find(({ fails }) => fails && ERROR_KINDS[fails].retryable) ?? can[0])?.fails });
			}),
		);
	});
});
