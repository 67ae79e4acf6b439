import { withoutNoise } from '../numbers.ts';

export type ProviderName = 'local' | 'openai' | 'replicate' | 'elevenlabs';

/** What does the work for one capability. One file per provider and capability; operations know only the capability. */
export interface Provider {
	readonly name: ProviderName;
	/** As the provider calls it, e.g. `whisper-1`. */
	readonly model: string;
	/** Null: it can work. Otherwise why not, as a sentence that says what to do ("Set OPENAI_API_KEY …"). Cheap: asked before each call. */
	obstacle(): string | null;
}

/** Who did it, and what it took. Part of every answer. */
export interface Answered {
	provider: ProviderName;
	model: string;
	/**
	 * From the provider's own numbers where it gives any: `ai_input_tokens`, `ai_output_tokens`, `ai_tokens`, `audio_seconds`, `ai_characters`,
	 * `ai_images`, `ai_seconds` (of computing), `ai_usd` (by the price in the routing). Becomes part of the job's cost.
	 */
	usage: Record<string, number>;
	/** Sentences for the user, e.g. that another provider had to step in, or that the quality is that of a draft. */
	notes?: string[];
}

/** A picture for a model: upright, JPEG, PNG or WebP, sides of at most 2048 pixels. */
export interface Picture {
	path: string;
	mime: 'image/jpeg' | 'image/png' | 'image/webp';
	width: number;
	height: number;
}

/** In pixels of the picture, from its upper left corner. */
export interface Box {
	x: number;
	y: number;
	width: number;
	height: number;
}

/** Adds up what several calls took. */
export function addUsage(...all: ReadonlyArray<Record<string, number>>): Record<string, number> {
	const total: Record<string, number> = {};
	for (const usage of all) for (const [unit, amount] of Object.entries(usage)) total[unit] = withoutNoise((total[unit] ?? 0) + amount);
	return total;
}
