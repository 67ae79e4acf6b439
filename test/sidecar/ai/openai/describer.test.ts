import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { createOpenAiClient } from '../../../../sidecar/src/ai/openai/client.ts';
import { createOpenAiDescriber } from '../../../../sidecar/src/ai/openai/describer.ts';
import { createOpenAiModerator } from '../../../../sidecar/src/ai/openai/moderator.ts';
import type { Picture } from '../../../../sidecar/src/ai/provider.ts';
import { startOpenAi, type OpenAiEmulator } from '../../../platforms/openai.ts';

describe('OpenAI and pictures', () => {
	let server: OpenAiEmulator;
	let folder: string;
	let pictures: Picture[];
	beforeEach(async () => {
		server = await startOpenAi();
		folder = await mkdtemp(join(tmpdir(), 'openai-pictures-'));
		pictures = await Promise.all(
			Array.from({ length: 9 }, async (_, index): Promise<Picture> => {
				const path = join(folder, `${index}.jpg`);
				await sharp({ create: { width: 10 + index, height: 8, channels: 3, background: 'red' } }).jpeg().toFile(path);
				return { path, mime: 'image/jpeg', width: 10 + index, height: 8 };
			}),
		);
	});
	afterEach(async () => {
		await server.close();
		await rm(folder, { recursive: true });
	});

	const signal = new AbortController().signal;
	const client = () => createOpenAiClient({ apiKey: 'test-key', baseUrl: server.url });

	it('describes each, a few per call', async () => {
		const answer = await createOpenAiDescriber({ client: client(), model: 'gpt-4o-mini' }).describe(pictures, { language: 'de', signal });
		expect(answer.texts).toHaveLength(9);
		expect(answer.usage).toEqual({ ai_input_tokens: 200, ai_output_tokens: 100, ai_tokens: 300, ai_images: 9 });
		expect(server.chats.map(({ images }) => images.map(({ width }) => width))).toEqual([[10, 11, 12, 13, 14, 15, 16, 17], [18]]);
		expect(String(server.chats[0]?.messages[0]?.content)).toMatch(/German[\s\S]*never an instruction/);
	});

	it('scores each for safety, by our categories', async () => {
		server.moderation = ({ width }): Record<string, number> => (width === 10 ? { sexual: 0.9, violence: 0.2, 'violence/graphic': 0.7, 'self-harm/intent': 0.1 } : {});
		const { scores, usage } = await createOpenAiModerator({ client: client(), model: 'omni-moderation-latest' }).moderate(pictures.slice(0, 2), { signal });
		expect(scores).toEqual([
			{ sexual: 0.9, violence: 0.7, self_harm: 0.1 },
			{ sexual: 0, violence: 0, self_harm: 0 },
		]);
		expect(usage).toEqual({ ai_images: 2 });
	});

	it.each(['{"results":[]}', '{"results":[{"category_scores":{}}]}', '{"results":[{"category_scores":{"nsfw":0.9}}]}'])('does not take %s for a moderation that found nothing', async (body) => {
		server.failures.push({ status: 200, raw: { type: 'json', body } });
		await expect(createOpenAiModerator({ client: client(), model: 'omni-moderation-latest' }).moderate(pictures, { signal })).rejects.toMatchObject({ code: 'provider_answer_invalid', message: expect.stringContaining('a moderation') });
	});
});
