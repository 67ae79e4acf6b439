import type { Answered } from '../../ai/provider.ts';
import type { Translator } from '../../ai/translator.ts';
import { PipelineError } from '../../errors.ts';

export interface GlossaryEntry {
	from: string;
	to: string;
}

/** Texts into one language, as many as there may be. */
export interface Translation {
	/** Whether asking for shorter texts can help. */
	canShorten(): boolean;
	/** As many texts as were given, in their order; empty ones stay empty. */
	texts(texts: readonly string[], maxChars?: ReadonlyArray<number | null>): Promise<string[]>;
}

export function createTranslation(options: {
	translator: Translator;
	from: string | undefined;
	to: string;
	tone: string | undefined;
	/** Earlier entries go before later ones. */
	glossary: readonly GlossaryEntry[];
	signal: AbortSignal;
	answered(answer: Answered): void;
	/** May go back: a second translator, or a second question, begins anew. */
	onProgress(percent: number): void;
}): Translation {
	const { translator, from, to, tone, glossary, signal, answered, onProgress } = options;
	const terms = firstOfEach(glossary);
	let last = translator.name;
	return {
		// The local engine translates the same way however often it is asked.
		canShorten: () => from !== to && last !== 'local',
		async texts(texts, maxChars = []) {
			if (from === to) return [...texts];
			const asked = [...texts.keys()].filter((index) => texts[index]?.trim() !== '');
			const result = texts.map(() => '');
			if (asked.length === 0) return result;
			const request = {
				texts: asked.map((index) => texts[index] ?? ''),
				from,
				to,
				...(terms.length > 0 ? { glossary: terms } : {}),
				...(maxChars.length > 0 ? { maxChars: asked.map((index) => maxChars[index] ?? null) } : {}),
				tone,
				signal,
				onProgress,
			};
			const answer = await translator.translate(request);
			last = answer.provider;
			answered(answer);
			if (answer.texts.length !== asked.length) throw new PipelineError('provider_answer_invalid', `The translator answered ${answer.texts.length} texts for ${asked.length}. Try again, or choose another model.`);
			for (const [place, index] of asked.entries()) result[index] = answer.texts[place] ?? '';
			return result;
		},
	};
}

/** The first entry on each word. */
function firstOfEach(glossary: readonly GlossaryEntry[]): GlossaryEntry[] {
	const chosen = new Map<string, GlossaryEntry>();
	for (const { from, to } of glossary) {
		const key = from.normalize('NFC').toLowerCase();
		if (!chosen.has(key)) chosen.set(key, { from, to });
	}
	return [...chosen.values()];
}

/** For what is asked in addition: a provider that fails then must not cost what there is already. */
export function orNothing(error: unknown): [] {
	if (error instanceof PipelineError && error.code.startsWith('provider_')) return [];
	throw error;
}
