import pino from 'pino';
import { metered } from '../../../../sidecar/src/ai/meter.ts';
import { createAi, type AiDeps } from '../../../../sidecar/src/ai/routing/create-ai.ts';
import { DEFAULT_ROUTING } from '../../../../sidecar/src/ai/routing/defaults.ts';
import { createEngines } from '../../../../sidecar/src/ai/local/engines.ts';
import { createLocalTransformer } from '../../../../sidecar/src/ai/local/transformer.ts';
import { createPocketsphinx } from '../../../../sidecar/src/ai/local/pocketsphinx.ts';
import { createSilero } from '../../../../sidecar/src/ai/local/silero.ts';
import type { Entry, Routing } from '../../../../sidecar/src/ai/routing/schema.ts';
import { ConfigError, readConfig } from '../../../../sidecar/src/config.ts';
import { createGuard } from '../../../../sidecar/src/net/guard.ts';
import { fixture } from '../../../fixtures/media.ts';
import { startOpenAi, type OpenAiEmulator } from '../../../platforms/openai.ts';

describe('AI, as it is routed', () => {
	let first: OpenAiEmulator;
	let second: OpenAiEmulator;
	beforeEach(async () => {
		first = await startOpenAi();
		second = await startOpenAi();
		second.keys = new Set(['second-key']);
		second.models.add('gpt-5');
	});
	afterEach(() => Promise.all([first.close(), second.close()]));

	const signal = new AbortController().signal;
	/** Nothing is installed there. */
	const engines = createEngines('/nonexistent');
	const voiceActivity = createSilero(engines);
	const create = (routing: Partial<Routing> = {}, { environment = {}, ...more }: Partial<AiDeps> & { environment?: Record<string, string> } = {}) =>
		createAi({
			config: readConfig({ OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: first.url, ...environment }),
			routing: { ...DEFAULT_ROUTING, ...routing },
			environment: { SECOND_KEY: 'second-key', ...environment },
			local: { byTask: { transcribe: { pocketsphinx: createPocketsphinx({ voiceActivity, path: '' }) } }, transform: createLocalTransformer(engines), voiceActivity },
			transcribeLong: null,
			guard: createGuard({ allowedPrivateHosts: [], allowHttp: false }),
			download: () => Promise.reject(new Error('not here')),
			log: pino({ enabled: false }),
			...more,
		});
	const other = (more: Partial<Entry> = {}): Entry => ({ provider: 'openai', base_url: second.url, api_key_env: 'SECOND_KEY', ...more });
	const schema = { type: 'object', properties: { greeting: { type: 'string' } }, required: ['greeting'], additionalProperties: false };
	const write = ({ ai }: Pick<ReturnType<typeof createAi>, 'ai'>, stop: AbortSignal = signal) =>
		ai.write.write({ system: 'rules', user: 'write', images: [], schemaName: 'greeting', schema, signal: stop });

	it('asks the first provider that can, and says who and at what price', async () => {
		const answer = await create({ transcribe: [{ provider: 'local' }, { provider: 'openai', price: { audio_minute: 0.6 } }] }).ai.transcribe.transcribe(fixture('wav'), { signal });
		expect(answer).toMatchObject({ provider: 'openai', model: 'whisper-1', usage: { audio_seconds: 3, ai_usd: 0.03 } });
		expect(answer.notes).toBeUndefined();
	});

	it('makes up no price for another server', async () => {
		expect((await write(create())).usage).not.toHaveProperty('ai_usd');
	});

	it('pays for a model by the minute that tells tokens only', async () => {
		const { ai } = create({ transcribe: [{ provider: 'openai', model: 'gpt-4o-mini-transcribe', price: { audio_minute: 0.003 } }] });
		expect((await ai.transcribe.transcribe(fixture('wav'), { signal })).usage).toMatchObject({ ai_tokens: 33, audio_seconds: 3, ai_usd: 0.00015 });
	});

	it('tells what was paid in vain: for an answer that was refused, for the first of two', async () => {
		const parts = create({ write: [{ provider: 'openai', price: { input_million_tokens: 1 } }], translate: [{ provider: 'openai', price: { input_million_tokens: 1 } }] });
		const told: Array<Record<string, number>> = [];
		const note = (usage: Record<string, number>): void => void told.push(usage);
		first.refusal = 'No.';
		await expect(metered(note, () => write(parts))).rejects.toMatchObject({ code: 'provider_content_refused' });
		expect(told.splice(0)).toEqual([{ ai_input_tokens: 100, ai_output_tokens: 50, ai_tokens: 150, ai_usd: 0.0001 }]);
		first.refusal = null;
		first.answers.push('no', 'no');
		await expect(metered(note, () => parts.ai.translate.translate({ texts: ['Hello.'], to: 'de', signal }))).rejects.toMatchObject({ code: 'provider_answer_invalid' });
		expect(told.splice(0)).toEqual([{ ai_input_tokens: 200, ai_output_tokens: 100, ai_tokens: 300, ai_usd: 0.0002 }]);
		const { usage } = await metered(note, () => write(parts));
		expect(told).toEqual([usage]);
	});

	it('waits a moment where the provider asks for one, before it takes a worse one', async () => {
		const parts = create({ write: [{ provider: 'openai' }, other({ model: 'gpt-5' })] });
		first.failures.push({ status: 429, headers: { 'retry-after-ms': '20' } });
		expect(await write(parts)).toMatchObject({ model: 'gpt-4o-mini' });
		expect([first.counts.chats, second.counts.chats]).toEqual([2, 0]);
	});

	it('shows content that one provider has refused to no other', async () => {
		const parts = create({ write: [{ provider: 'openai' }, other()] });
		first.refusal = 'I cannot help with that.';
		await expect(write(parts)).rejects.toMatchObject({ code: 'provider_content_refused', message: expect.stringContaining('I cannot help') });
		expect(second.counts.chats).toBe(0);
	});

	it('refuses an address with something behind its path, which would be lost', () => {
		for (const base_url of ['https://example.com/v1?api-version=1', 'https://example.com/v1#x']) expect(() => create({ write: [{ provider: 'openai', base_url }] })).toThrow(/write\[0\]\.base_url: Behind example\.com only a path may stand/);
		expect(() => create({ write: [{ provider: 'openai', base_url: 'https://example.com/v1/' }] })).not.toThrow();
	});

	it('passes a limit of an hour on, and does not ask again before', async () => {
		const parts = create({ write: [{ provider: 'openai' }] });
		first.failures.push({ status: 429, headers: { 'retry-after': '3600' }, times: Infinity });
		const limited = { code: 'provider_rate_limited', retryAfterSeconds: 3600, retryable: true };
		await expect(write(parts)).rejects.toMatchObject(limited);
		await expect(write(parts)).rejects.toMatchObject(limited);
		expect(first.counts.chats).toBe(1);
	});

	it('lets another one step in for that hour', async () => {
		const parts = create({ write: [{ provider: 'openai' }, other({ model: 'gpt-5' })] });
		first.failures.push({ status: 429, headers: { 'retry-after': '3600' }, times: Infinity });
		for (const _ of [1, 2]) {
			const { model, notes } = await write(parts);
			expect(model).toBe('gpt-5');
			expect(notes?.[0]).toMatch(/openai gpt-4o-mini could not: .*(429|pause).* openai gpt-5 did it instead\./);
		}
		expect([first.counts.chats, second.counts.chats]).toEqual([1, 2]);
	});

	it.each<[string, () => unknown, RegExp]>([
		['its key is revoked in the middle', () => first.keys.clear(), /refused OPENAI_API_KEY/],
		['it answers what is not JSON', () => first.failures.push({ status: 200, raw: { type: 'html', body: '<h1>Log in</h1>' } }), /not a chat completion/],
		['it has no credit left', () => first.failures.push({ status: 429, code: 'insufficient_quota' }), /credit/],
		['it is down', () => first.close(), /not reached/],
	])('lets another one step in when %s', async (_what, happen, reason) => {
		const parts = create({ write: [{ provider: 'openai' }, other()] });
		expect((await write(parts)).notes).toBeUndefined();
		await happen();
		expect((await write(parts)).notes?.[0]).toMatch(reason);
	});

	it('says all that could be done when no key is set, and sends nothing', async () => {
		const { ai, report } = create({}, { environment: { OPENAI_API_KEY: '' } });
		const why = ai.transcribe.obstacle();
		for (const part of ['OPENAI_API_KEY', 'ELEVENLABS_API_KEY', 'local pocketsphinx: ']) expect(why).toContain(part);
		await expect(ai.transcribe.transcribe(fixture('wav'), { signal })).rejects.toMatchObject({ code: 'provider_not_configured', message: why });
		expect(first.counts.transcriptions).toBe(0);
		const line = report().capabilities.find(({ capability }) => capability === 'transcribe');
		expect(line).toMatchObject({ serves: null, providers: [{ provider: 'openai', model: 'whisper-1' }, { provider: 'elevenlabs' }, { provider: 'local' }] });
		for (const { obstacle } of line?.providers ?? []) expect(obstacle).toMatch(/[.)]$/);
	});

	it('never sends the key of one server to another', async () => {
		second.keys = new Set(['none']);
		expect((await write(create({ write: [{ provider: 'openai', base_url: second.url }] }))).provider).toBe('openai');
		const { ai } = create({ write: [other({ api_key_env: 'NOT_SET' })] });
		expect(ai.write.obstacle()).toContain('Set NOT_SET of the sidecar');
	});

	it('asks a provider only for its languages', async () => {
		const { ai } = create({ translate: [other({ languages: ['ja', 'ko'] }), { provider: 'openai' }] });
		for (const to of ['ja', 'fr', 'ko']) await ai.translate.translate({ texts: ['Hello.'], to, signal });
		expect([first.counts.chats, second.counts.chats]).toEqual([1, 2]);
		const { ai: speech } = create({ transcribe: [other({ languages: ['ja'] })] });
		expect([speech.transcribe.obstacle('ja'), speech.transcribe.obstacle('en'), speech.transcribe.obstacle()]).toEqual([null, expect.stringContaining('for ja only'), expect.stringContaining('not known')]);
	});

	it('never changes the model of vectors by itself', async () => {
		const { ai, report } = create({ embed: [{ provider: 'openai', dimensions: 8 }, other({ dimensions: 16 })] });
		expect(ai.embed).toMatchObject({ space: 'openai:text-embedding-3-small:8', dimensions: 8 });
		expect((await ai.embed.embed(['a'], { signal })).vectors[0]).toHaveLength(8);
		first.keys.clear();
		await expect(ai.embed.embed(['a'], { signal })).rejects.toMatchObject({ code: 'provider_key_refused' });
		expect(second.counts.embeddings).toBe(0);
		expect(report().capabilities.find(({ capability }) => capability === 'embed')).toMatchObject({ serves: 'openai text-embedding-3-small', providers: [{ space: 'openai:text-embedding-3-small:8' }, {}] });
	});

	it('chooses the next model of vectors at start where the first one is not there', () => {
		const { ai } = create({ embed: [{ provider: 'openai', dimensions: 8 }, other({ dimensions: 16 })] }, { environment: { OPENAI_API_KEY: '' } });
		expect(ai.embed.space).toBe('openai:text-embedding-3-small:16');
		expect(create({ embed: [] }).ai.embed).toMatchObject({ space: 'none' });
	});

	it('overrides what one request takes', async () => {
		const { ai } = create({ transcribe: [{ provider: 'openai', max_seconds: 60, parallel: 8 }] });
		expect(ai.transcribe.takes).toMatchObject({ maxSeconds: 60, maxBytes: 25 * 1024 * 1024, parallel: 8 });
	});

	it('puts the providers of pictures in the order of the file', () => {
		expect(create().transformers.map(({ name }) => name)).toEqual(['local', 'replicate']);
		const { transformers } = create({ transform: [{ provider: 'replicate', models: { style: 'acme/style' } }] });
		expect(transformers.map(({ name }) => name)).toEqual(['replicate']);
		expect(transformers[0]?.obstacle({ kind: 'style', prompt: '', strength: 0.5 })).toContain('REPLICATE_API_TOKEN');
	});

	it('reports at start everything that nobody can serve', () => {
		const build = () =>
			create({
				translate: [{ provider: 'replicate' }],
				transcribe: [{ provider: 'openai' }, { provider: 'local', model: 'vosk' }],
				label: [{ provider: 'local' }],
				write: [{ provider: 'openai', base_url: 'https://user:secret@example.com/v1' }],
				transform: [{ provider: 'openai' }],
			});
		expect(build).toThrow(ConfigError);
		let problems: string[] = [];
		try {
			build();
		} catch (error) {
			if (error instanceof ConfigError) problems = error.problems;
		}
		expect(problems).toHaveLength(5);
		for (const [index, part] of ['transcribe[1].model: there is no local engine vosk for this. There are pocketsphinx.', 'write[0].base_url: ', 'translate[0].provider: replicate does not do this. These do: openai.', 'label[0]: no local engine', 'transform[0].provider: openai does not do this'].entries()) {
			expect(problems[index]).toContain(`AI_ROUTING_FILE: ${part}`);
		}
		expect(problems.join()).not.toContain('secret');
	});

	it('stops with the reason of a cancel, without asking another one', async () => {
		first.silent = 'chat';
		const stop = new AbortController();
		const reason = new Error('cancelled');
		const running = write(create({ write: [{ provider: 'openai' }, other()] }), stop.signal);
		const started = setInterval(() => first.counts.chats > 0 && stop.abort(reason), 5);
		await expect(running).rejects.toBe(reason);
		clearInterval(started);
		expect(second.counts.chats).toBe(0);
	});
});
