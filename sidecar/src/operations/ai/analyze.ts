import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Ai } from '../../ai/ai.ts';
import { addUsage, type Answered, type Provider } from '../../ai/provider.ts';
import type { Detection, Face, Label, TextBlock } from '../../ai/vision.ts';
import type { Database } from '../../db/database.ts';
import { labelBoosts, labelsTakenAway } from '../../db/feedback.ts';
import { plainTag, replaceTags } from '../../db/tags.ts';
import { PipelineError } from '../../errors.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';
import { composeAltText, mergeFaces, mergeLabels, mergeObjects, mergeTexts, MOST_LINES, type Seen } from './analyze-merge.ts';
import type { Engine } from './engine.ts';
import { sampleFrames, type SampledFrame } from './sample-frames.ts';

const PARTS = ['labels', 'objects', 'faces', 'text'] as const;
type Part = (typeof PARTS)[number];

const params = z.strictObject({
	what: z
		.array(z.enum(PARTS))
		.min(1)
		.max(PARTS.length)
		.default(['labels', 'objects', 'text'])
		.describe('What is looked for. faces (boxes only) needs ALLOW_FACES on the sidecar. Default labels, objects, text.'),
	frames: z.int().min(1).max(64).default(8).describe('Frames of a video that are looked at, spread over its scenes. Default 8.'),
	min_score: z.number().min(0).max(1).default(0.4).describe('Findings that are less certain are left out. 0 to 1, default 0.4.'),
});
type Params = z.infer<typeof params>;

/** Tags that an asset gets of one analysis. */
const MOST_TAGS = 30;
/** Somebody else has to be asked, or has answered badly: the rest of the analysis is there all the same. */
const WITHOUT_DESCRIBER = /^provider_/;

export interface AnalyzeDeps {
	ai: Pick<Ai, 'label' | 'detect' | 'faces' | 'read_text' | 'describe'>;
	engine: Engine;
	db: Database;
	/** ALLOW_FACES */
	facesAllowed: boolean;
}

/** What is in the picture (C5). What is found becomes tags of the asset. */
export function createAnalyze({ ai, engine, db, facesAllowed }: AnalyzeDeps): TaskOperation<Params> {
	const providers: Record<Part, Provider> = { labels: ai.label, objects: ai.detect, faces: ai.faces, text: ai.read_text };

	/** The parts that somebody can do, and a note for each of the others. */
	function able(what: readonly Part[]): { parts: Part[]; notes: string[] } {
		const wanted = [...new Set(what)];
		if (wanted.includes('faces') && !facesAllowed) {
			throw new PipelineError(
				'forbidden',
				'params.what: looking for faces is switched off on this sidecar, as faces are personal data. Leave faces out, or set ALLOW_FACES=true if you may.',
				{ details: { field: 'params.what', given: 'faces', setting: 'ALLOW_FACES' } },
			);
		}
		const obstacles = wanted.flatMap((part) => {
			const why = providers[part].obstacle();
			return why === null ? [] : [{ part, note: `${part}: ${why}` }];
		});
		const parts = wanted.filter((part) => !obstacles.some((one) => one.part === part));
		if (parts.length === 0) throw new PipelineError('provider_not_configured', obstacles.map(({ note }) => note).join(' '));
		return { parts, notes: obstacles.map(({ note }) => `Left out: ${note}`) };
	}

	return {
		kind: 'task',
		name: 'analyze',
		version: 1,
		summary: 'Tells what is in the picture: labels, objects with their places, text, and (where allowed) faces; writes tags and a draft of the alt text.',
		analyses: true,
		accepts: ['video', 'image'],
		insteadFor: { audio: 'transcribe' },
		params,
		example: { what: ['labels', 'objects', 'text'], frames: 8, min_score: 0.4 },
		produces:
			'`labels` (`label`, `score`, `times`), `objects` (`label`, `score`, `count`: most at once, `moments` with `boxes`: `x`, `y`, `width`, `height` as shares of the sides, and in `pixels`), `faces` (`count`, `moments` with `boxes`), `text` (each line with `score`, `times`), `alt_text`, `tags`, `providers`, `notes`: of what was asked for. The tags are stored with the asset. Files: `analysis.json`.',
		estimateSeconds: (facts, { frames, what }) => 3 + (facts?.fileType === 'image' ? 1 : frames) * what.length * 0.4,
		async run(context, given) {
			const { parts, notes } = able(given.what);
			const { facts } = await context.source();
			const { pictures, cpuSeconds } = await context.step('frames', () => sampleFrames(context, engine, { most: given.frames, progress: [0, 25] }));
			if (pictures.length === 0 || !facts.video) throw new PipelineError('input_no_video', 'There is nothing to see in this file.');
			const shown = { width: facts.video.width, height: facts.video.height };
			const boosts = await labelBoosts(db, context.workspaceId);
			const answers: Partial<Record<Part | 'alt_text', Answered>> = {};
			const seen = await look(context, parts, pictures, ai, answers);

			const labels = seen.labels && mergeLabels(seen.labels, given.min_score, boosts);
			const objects = seen.objects && mergeObjects(seen.objects, shown, given.min_score);
			const faces = seen.faces && mergeFaces(seen.faces, shown, given.min_score);
			// One more than is told: whether there are any that are not.
			const lines = seen.text && mergeTexts(seen.text, given.min_score, MOST_LINES + 1);
			const text = lines?.slice(0, MOST_LINES);
			if (lines && lines.length > MOST_LINES) notes.push(`text: only the first ${MOST_LINES} lines are told.`);
			const altText = await context.step('describe', () => describe(context, ai, pictures, answers, notes));
			const kinds = seen.objects ? mergeLabels(seen.objects, given.min_score, boosts) : [];
			// What somebody has said not to be there does not come back, however sure the engine is.
			const takenAway = context.assetId === null ? new Set<string>() : await labelsTakenAway(db, context.workspaceId, context.assetId);
			const tags = mostCertain([...(labels ?? []), ...kinds]).filter(({ tag }) => !takenAway.has(plainTag(tag)));
			context.signal.throwIfAborted();
			if (context.assetId !== null && (labels || objects))
				await replaceTags(db, { id: context.assetId, workspaceId: context.workspaceId }, 'analysis', tags);

			const output = {
				...(labels ? { labels } : {}),
				...(objects ? { objects } : {}),
				...(faces ? { faces } : {}),
				...(text ? { text } : {}),
				alt_text: altText || composeAltText(labels ?? [], objects ?? [], text ?? []),
				tags: tags.map(({ tag }) => tag),
				frames: pictures.map(({ atSeconds }) => atSeconds),
				providers: Object.fromEntries(Object.entries(answers).map(([part, { provider, model }]) => [part, { provider, model }])),
				...allNotes(notes, Object.values(answers)),
			};
			const path = join(context.workDir, 'analysis.json');
			await writeFile(path, `${JSON.stringify(output, null, '\t')}\n`);
			return {
				output,
				files: [{ name: 'analysis.json', path, mime: 'application/json' }],
				cost: { ...addUsage(...Object.values(answers).map(({ usage }) => usage)), cpu_seconds: cpuSeconds },
			};
		},
	};
}

interface Looked {
	labels?: Array<Seen<Label>>;
	objects?: Array<Seen<Detection>>;
	faces?: Array<Seen<Face>>;
	text?: Array<Seen<TextBlock>>;
}

/** Asks one provider after the other: the local ones keep a core busy each. */
async function look(
	context: TaskContext,
	parts: readonly Part[],
	pictures: readonly SampledFrame[],
	ai: AnalyzeDeps['ai'],
	answers: Partial<Record<Part, Answered>>,
): Promise<Looked> {
	const looked: Looked = {};
	const each = <T>(lists: readonly T[][]): Array<Seen<T>> =>
		pictures.map(({ atSeconds, width, height }, index) => ({ atSeconds, size: { width, height }, found: lists[index] ?? [] }));
	for (const [index, part] of parts.entries()) {
		const options = {
			signal: context.signal,
			onProgress: (percent: number) => context.progress(25 + (65 * (index + percent / 100)) / parts.length),
		};
		await context.step(part, async () => {
			if (part === 'labels') {
				const answer = (answers.labels = await ai.label.label(pictures, options));
				looked.labels = each(answer.labels);
			} else if (part === 'objects') {
				const answer = (answers.objects = await ai.detect.detectObjects(pictures, options));
				looked.objects = each(answer.objects);
			} else if (part === 'faces') {
				const answer = (answers.faces = await ai.faces.detectFaces(pictures, options));
				looked.faces = each(answer.faces);
			} else {
				const answer = (answers.text = await ai.read_text.read(pictures, options));
				looked.text = each(answer.texts);
			}
		});
		context.progress(25 + (65 * (index + 1)) / parts.length);
	}
	return looked;
}

/** Of the picture in the middle. Empty where nobody can, or could. */
async function describe(
	{ signal, log }: TaskContext,
	ai: AnalyzeDeps['ai'],
	pictures: readonly SampledFrame[],
	answers: Partial<Record<'alt_text', Answered>>,
	notes: string[],
): Promise<string> {
	const middle = pictures[Math.floor(pictures.length / 2)];
	if (!middle || ai.describe.obstacle() !== null) return '';
	try {
		const answer = await ai.describe.describe([middle], { signal });
		answers.alt_text = answer;
		return answer.texts[0]?.trim() ?? '';
	} catch (error) {
		if (!(error instanceof PipelineError) || !WITHOUT_DESCRIBER.test(error.code)) throw error;
		log.warn({ err: error }, 'no alt text could be written');
		notes.push(`alt_text: ${error.message}`);
		return '';
	}
}

function mostCertain(found: ReadonlyArray<{ label: string; score: number }>): Array<{ tag: string; score: number }> {
	const best = new Map<string, number>();
	for (const { label, score } of found) best.set(label, Math.max(score, best.get(label) ?? 0));
	return [...best]
		.map(([tag, score]) => ({ tag, score }))
		.toSorted((a, b) => b.score - a.score)
		.slice(0, MOST_TAGS);
}

const allNotes = (own: readonly string[], answers: readonly Answered[]): { notes?: string[] } => {
	const notes = [...new Set([...own, ...answers.flatMap((answer) => answer.notes ?? [])])];
	return notes.length > 0 ? { notes } : {};
};
