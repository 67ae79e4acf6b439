import { withoutNoise } from '../../numbers.ts';
import type { Price } from './schema.ts';

/** Units of `usage` (ai/provider.ts), how many of them one price is for. */
const UNITS: Array<[price: keyof Price, unit: string, per: number]> = [
	['audio_minute', 'audio_seconds', 60],
	['input_million_tokens', 'ai_input_tokens', 1_000_000],
	['output_million_tokens', 'ai_output_tokens', 1_000_000],
	['image', 'ai_images', 1],
	['million_characters', 'ai_characters', 1_000_000],
	['second', 'ai_seconds', 1],
];

/** Usage with `ai_usd`, where there is a price for something of it. A provider that tells what it cost itself is believed. */
export function withPrice(usage: Record<string, number>, price: Price | undefined): Record<string, number> {
	if (!price || usage['ai_usd'] !== undefined) return usage;
	const charged = UNITS.flatMap(([name, unit, per]) => {
		const [usd, amount] = [price[name], usage[unit]];
		return usd === undefined || amount === undefined ? [] : [(usd * amount) / per];
	});
	// Nothing that has a price was told: what it cost is not known, which is not the same as nothing.
	if (charged.length === 0) return usage;
	return { ...usage, ai_usd: withoutNoise(charged.reduce((sum, usd) => sum + usd, 0)) };
}

/** https://platform.openai.com/docs/guides/your-data: its addresses for data that stays in a region. */
const OF_OPENAI = /^(?:[a-z]{2}\.)?api\.openai\.com$/;

/** What a model costs unless the routing says otherwise; known of OpenAI itself only, not of another server with a model of that name. */
export const usualPrice = (model: string, url: string | undefined): Price | undefined => (url === undefined || OF_OPENAI.test(new URL(url).hostname) ? OPENAI_PRICES[model] : undefined);

/** List prices of OpenAI in USD (https://platform.openai.com/docs/pricing, as of 2025), for the models that are the default somewhere. */
const OPENAI_PRICES: Readonly<Record<string, Price>> = {
	'whisper-1': { audio_minute: 0.006 },
	'gpt-4o-transcribe': { audio_minute: 0.006 },
	'gpt-4o-transcribe-diarize': { audio_minute: 0.006 },
	'gpt-4o-mini-transcribe': { audio_minute: 0.003 },
	'gpt-4o-mini': { input_million_tokens: 0.15, output_million_tokens: 0.6 },
	'gpt-4o': { input_million_tokens: 2.5, output_million_tokens: 10 },
	'text-embedding-3-small': { input_million_tokens: 0.02 },
	'text-embedding-3-large': { input_million_tokens: 0.13 },
	'omni-moderation-latest': { image: 0 },
	'tts-1': { million_characters: 15 },
	'tts-1-hd': { million_characters: 30 },
};
