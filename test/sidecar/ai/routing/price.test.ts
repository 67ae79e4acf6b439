import { withPrice } from '../../../../sidecar/src/ai/routing/price.ts';

describe('what a call costs', () => {
	it.each([
		['minutes of sound', { audio_seconds: 90 }, { audio_minute: 0.006 }, 0.009],
		['tokens', { ai_input_tokens: 1000, ai_output_tokens: 500, ai_tokens: 1500 }, { input_million_tokens: 0.15, output_million_tokens: 0.6 }, 0.00045],
		['pictures', { ai_images: 3 }, { image: 0.01 }, 0.03],
		['characters', { ai_characters: 200 }, { million_characters: 15 }, 0.003],
		['seconds of computing', { ai_seconds: 12.5 }, { second: 0.0002 }, 0.0025],
		['units without a price', { ai_images: 3 }, { audio_minute: 1 }, 0],
	])('is known for %s', (_what, usage: Record<string, number>, price, usd) => {
		expect(withPrice(usage, price)).toEqual({ ...usage, ai_usd: usd });
	});

	it('is not made up: without a price nothing is said, and the provider knows better', () => {
		expect(withPrice({ ai_images: 1 }, undefined)).toEqual({ ai_images: 1 });
		expect(withPrice({ ai_images: 1, ai_usd: 0.5 }, { image: 1 })).toEqual({ ai_images: 1, ai_usd: 0.5 });
	});
});
