import { createOpenAiClient } from '../../../../sidecar/src/ai/openai/client.ts';
import { createOpenAiEmbedder } from '../../../../sidecar/src/ai/openai/embedder.ts';
import { startOpenAi, type OpenAiEmulator } from '../../../platforms/openai.ts';

describe('OpenAI as an embedder', () => {
	let server: OpenAiEmulator;
	beforeEach(async () => {
		server = await startOpenAi();
	});
	afterEach(() => server.close());

	const signal = new AbortController().signal;
	const embedder = (model = 'text-embedding-3-small', dimensions = 512) =>
		createOpenAiEmbedder({ client: createOpenAiClient({ apiKey: 'test-key', baseUrl: server.url }), model, dimensions });

	it('gives vectors of length 1, in the order of the texts, however many', async () => {
		const texts = Array.from({ length: 300 }, (_, index) => `text ${index}`);
		const { vectors, usage } = await embedder().embed([...texts, 'text 7'], { signal });
		expect(vectors).toHaveLength(301);
		expect(vectors[300]).toEqual(vectors[7]);
		expect(vectors[8]).not.toEqual(vectors[7]);
		for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
		expect(server.counts.embeddings).toBe(3);
		expect(usage.ai_tokens).toBeGreaterThan(300);
		expect(embedder()).toMatchObject({ space: 'openai:text-embedding-3-small:512', dimensions: 512 });
	});

	it('takes empty texts, very long ones, and halves of an emoji', async () => {
		const { vectors } = await embedder().embed(['', ' ', 'long '.repeat(9000), 'cut \ud83d'], { signal });
		expect(vectors).toHaveLength(4);
		expect(server.embeddings[0]?.input.map((text) => text.length)).toEqual([1, 1, 7999, 3]);
	});

	it('stays below the limit of tokens of one call, also where a character is one', async () => {
		const { vectors } = await embedder().embed(Array.from({ length: 30 }, (_, index) => String.fromCodePoint(0x4e00 + index).repeat(8000)), { signal });
		expect(vectors).toHaveLength(30);
		for (const { input } of server.embeddings) expect(input.join('').length).toBeLessThanOrEqual(100_000);
		expect(server.counts.embeddings).toBe(3);
	});

	it('takes vectors without usage', async () => {
		server.failures.push({ status: 200, raw: { type: 'json', body: '{"data":[{"index":0,"embedding":[0,2]}],"usage":{"prompt_tokens":null}}' } });
		expect(await embedder('text-embedding-3-small', 2).embed(['a'], { signal })).toMatchObject({ vectors: [[0, 1]] });
	});

	it('refuses vectors of another length than the space has', async () => {
		server.models.add('nomic-embed-text');
		await expect(embedder('nomic-embed-text', 768).embed(['a'], { signal })).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringContaining('"dimensions": 1536') });
		expect((await embedder('nomic-embed-text', 1536).embed(['a'], { signal })).vectors[0]).toHaveLength(1536);
	});

	it.each(['{"data":[]}', '{"data":[{"index":0,"embedding":[0,0]}]}', '{"error":"x"}'])('refuses the answer %s', async (body) => {
		server.failures.push({ status: 200, raw: { type: 'json', body } });
		await expect(embedder('text-embedding-3-small', 2).embed(['a'], { signal })).rejects.toMatchObject({ code: 'provider_answer_invalid' });
	});
});
