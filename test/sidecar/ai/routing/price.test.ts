import { addUsage } from '../../../../sidecar/src/ai/provider.ts';
import { usualPrice, withPrice } from '../../../../sidecar/src/ai/routing/price.ts';

describe('what a call costs', () => {
	it.each([
		['minutes of sound', { audio_seconds: 90 }, { audio_minute: 0.006 }, 0.009],
		['tokens', { ai_input_tokens: 1000, ai_output_tokens: 500, ai_tokens: 1500 }, { input_million_tokens: 0.15, output_million_tokens: 0.6 }, 0.00045],
		['pictures', { ai_images: 3 }, { image: 0.01 }, 0.03],
		['characters', { ai_characters: 200 }, { million_characters: 15 }, 0.003],
		['seconds of computing', { ai_seconds: 12.5 }, { second: 0.0002 }, 0.0025],
	])('is known for %s', (_what, usage: Record<string, number>, price, usd) => {
		expect(withPrice(usage, price)).toEqual({ ...usage, ai_usd: usd });
	});

	it('is not nothing where what has a price was not told', () => {
		expect(withPrice({ ai_images: 3 }, { audio_minute: 1 })).toEqual({ ai_images: 3 });
		expect(withPrice({}, { input_million_tokens: 1 })).toEqual({});
		expect(withPrice({ ai_images: 3 }, { image: 0 })).toEqual({ ai_images: 3, ai_usd: 0 });
	});

	it('has no digits that mean nothing', () => {
		expect(addUsage({ ai_usd: 0.1, ai_tokens: 1 }, { ai_usd: 0.2 }, { ai_tokens: 2 })).toEqual({ ai_usd: 0.3, ai_tokens: 3 });
		expect(addUsage({ storage_bytes: 123_456_789_012_345 }, { storage_bytes: 1 })).toEqual({ storage_bytes: 123_456_789_012_346 });
		expect(withPrice({ ai_input_tokens: 1 }, { input_million_tokens: 0.02 })).toEqual({ ai_input_tokens: 1, ai_usd: 0.00000002 });
	});

	it('is the list price at OpenAI, whoever set its address, and nowhere else', () => {
		for (const url of [undefined, 'https://api.openai.com/v1', 'https://eu.api.openai.com/v1/']) expect(usualPrice('whisper-1', url)).toEqual({ audio_minute: 0.006 });
		for (const url of ['http://127.0.0.1:8000/v1', 'https://api.openai.com.example.net/v1', 'https://example.net/api.openai.com']) expect(usualPrice('whisper-1', url)).toBeUndefined();
		expect(usualPrice('whisper-9', undefined)).toBeUndefined();
	});

	it('is not made up: without a price nothing is said, and the provider knows better', () => {
		expect(withPrice({ ai_images: 1 }, undefined)).toEqual({ ai_images: 1 });
		expect(withPrice({ ai_images: 1, ai_usd: 0.5 }, { image: 1 })).toEqual({ ai_images: 1, ai_usd: 0.5 });
	});
});
