import type { Ai } from '../../ai/ai.ts';
import { addUsage, type Answered } from '../../ai/provider.ts';
import { searchText } from '../../db/search-query.ts';
import type { NewEntry } from '../../db/search.ts';
import { plainTag } from '../../db/tags.ts';
import { toPipelineError } from '../../errors.ts';
import type { MediaFacts } from '../../media/facts.ts';
import { boosted, type Boosts } from './analyze-merge.ts';
import type { SampledFrame } from './sample-frames.ts';

/** A model that is less sure than this is mostly wrong (embedded-ai measurements: the false "parking meter"). */
const LEAST_LABEL = 0.4;
const LEAST_READ = 0.6;
const MOST_LABELS = 12;
const MOST_TEXT = 1500;

export interface FrameTexts {
	/** One per picture; empty: nothing was recognised. */
	texts: string[];
	usage: Record<string, number>;
	notes: string[];
}

/** What people have said of labels: of all in the workspace, and which they took from this asset (as `plainTag` makes them). */
export interface LabelOpinions {
	boosts: Boosts;
	takenAway: ReadonlySet<string>;
}

/** What is seen on pictures, in words: what a model describes, the things on them, the text that stands in them. */
export async function describeFrames(ai: Pick<Ai, 'describe' | 'label' | 'read_text'>, pictures: readonly SampledFrame[], { boosts, takenAway }: LabelOpinions, signal: AbortSignal, onProgress: (percent: number) => void): Promise<FrameTexts> {
	const usages: Array<Record<string, number>> = [];
	const notes: string[] = [];
	const ask = async <A extends Answered, T>(what: string, obstacle: string | null, work: () => Promise<A>, pick: (answer: A) => T[]): Promise<T[]> => {
		if (pictures.length === 0) return [];
		if (obstacle) {
			notes.push(`${what}: ${obstacle}`);
			return [];
		}
		try {
			const answer = await work();
			usages.push(answer.usage);
			notes.push(...(answer.notes ?? []));
			return pick(answer);
		} catch (error) {
			signal.throwIfAborted();
			const failed = toPipelineError(error);
			if (failed.retryable || failed.code === 'internal') throw error;
			notes.push(`${what}: ${failed.message}`);
			return [];
		}
	};
	// The local one only puts together what the two others find.
	const described = ai.describe.name === 'local' && ai.describe.obstacle() === null ? [] : await ask('Pictures are not described', ai.describe.obstacle(), () => ai.describe.describe(pictures, { language: 'en', signal }), ({ texts }) => texts);
	onProgress(30);
	const labelled = await ask('Things on pictures are not named', ai.label.obstacle(), () => ai.label.label(pictures, { signal }), ({ labels }) => labels);
	onProgress(60);
	const read = await ask('Text in pictures is not read', ai.read_text.obstacle(), () => ai.read_text.read(pictures, { signal }), ({ texts }) => texts);
	const texts = pictures.map((_, index) => {
		const names = (labelled[index] ?? [])
			.filter(({ label, score }) => boosted(score, boosts.get(plainTag(label)) ?? 0) >= LEAST_LABEL && !takenAway.has(plainTag(label)))
			.slice(0, MOST_LABELS)
			.map(({ label }) => label);
		const words = (read[index] ?? []).filter(({ score }) => score >= LEAST_READ).map(({ text }) => text);
		const sentences = [described[index] ?? '', [...new Set(names)].join(', '), words.join(' ')].map(searchText).filter(Boolean);
		return [...sentences.map((text) => (/[.!?…。]$/u.test(text) ? text : `${text}.`)).join(' ')].slice(0, MOST_TEXT).join('');
	});
	return { texts, usage: addUsage(...usages), notes };
}

/** The text of a picture (as above) without one of the names of things in it, of which somebody said that it is wrong. */
export function withoutLabel(text: string, label: string): string {
	const name = label.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
	const only = new RegExp(`(?<=^|[.!?…。] )${name}\\.(?: |$)`, 'giu');
	const first = new RegExp(`(?<=^|[.!?…。] )${name}, `, 'giu');
	const later = new RegExp(`, ${name}(?=[,.])`, 'giu');
	return text.replace(only, '').replace(first, '').replace(later, '').trim();
}

/** An entry per picture, from its moment to that of the next one. */
export function frameEntries(pictures: readonly SampledFrame[], texts: readonly string[], facts: Pick<MediaFacts, 'durationSeconds'>): NewEntry[] {
	return pictures.map(({ atSeconds }, index) => ({
		kind: 'frame',
		startSeconds: atSeconds,
		endSeconds: atSeconds === null ? null : Math.max(atSeconds, pictures[index + 1]?.atSeconds ?? facts.durationSeconds),
		text: texts[index] ?? '',
		language: texts[index] ? 'en' : null,
		vectors: [],
	}));
}
