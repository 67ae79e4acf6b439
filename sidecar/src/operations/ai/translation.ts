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

/** What one call holds: small enough that an answer is not cut off, large enough that sentences are seen together. */
const MOST_TEXTS = 40;
const MOST_CHARACTERS = 4000;
/** Entries of the glossary in one call; those that do not occur in its texts are left out before. */
const MOST_ENTRIES = 100;

export function createTranslation(options: {
	translator: Translator;
	from: string | undefined;
	to: string;
	tone: string | undefined;
	/** Earlier entries go before later ones. */
	glossary: readonly GlossaryEntry[];
	signal: AbortSignal;
	answered(answer: Answered): void;
	onProgress(percent: number): void;
}): Translation {
	const { translator, from, to, tone, glossary, signal, answered, onProgress } = options;
	let last = translator.name;
	return {
		// The local engine translates the same way however often it is asked.
		canShorten: () => from !== to && last !== 'local',
		async texts(texts, maxChars = []) {
			if (from === to) return [...texts];
			const result = texts.map(() => '');
			const batches = batchesOf(texts);
			for (const [number, batch] of batches.entries()) {
				const given = batch.map((index) => texts[index] ?? '');
				const entries = glossaryFor(given, glossary);
				const answer = await translator.translate({
					texts: given,
					from,
					to,
					...(entries.length > 0 ? { glossary: entries } : {}),
					...(maxChars.length > 0 ? { maxChars: batch.map((index) => maxChars[index] ?? null) } : {}),
					tone,
					signal,
					onProgress: (percent) => onProgress(((number + percent / 100) / batches.length) * 100),
				});
				last = answer.provider;
				answered(answer);
				if (answer.texts.length !== given.length) throw new PipelineError('provider_rejected', `The translator answered ${answer.texts.length} texts for ${given.length}. Try again, or choose another model.`);
				for (const [place, index] of batch.entries()) result[index] = answer.texts[place] ?? '';
				onProgress(((number + 1) / batches.length) * 100);
			}
			return result;
		},
	};
}

/** Indexes of texts that go together; empty texts are left out. */
function batchesOf(texts: readonly string[]): number[][] {
	const batches: number[][] = [];
	let characters = 0;
	for (const [index, text] of texts.entries()) {
		if (text.trim() === '') continue;
		const open = batches.at(-1);
		if (open && open.length < MOST_TEXTS && characters + text.length <= MOST_CHARACTERS) {
			open.push(index);
			characters += text.length;
		} else {
			batches.push([index]);
			characters = text.length;
		}
	}
	return batches;
}

/** Entries that occur in the texts; the first one on each word. */
function glossaryFor(texts: readonly string[], glossary: readonly GlossaryEntry[]): GlossaryEntry[] {
	const said = texts.join('\n').normalize('NFC').toLowerCase();
	const chosen = new Map<string, GlossaryEntry>();
	for (const entry of glossary) {
		const key = entry.from.normalize('NFC').toLowerCase();
		if (said.includes(key) && !chosen.has(key) && chosen.size < MOST_ENTRIES) chosen.set(key, { from: entry.from, to: entry.to });
	}
	return [...chosen.values()];
}
