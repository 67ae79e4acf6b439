import { z } from 'zod';
import { SAFETY_CATEGORIES, type Moderator, type SafetyCategory, type SafetyScores } from '../../ai/vision.ts';
import { PipelineError } from '../../errors.ts';
import type { TaskOperation } from '../operation.ts';
import type { Engine } from './engine.ts';
import type { Found } from './safety-findings.ts';
import { sampleCovers, sampleFrames } from './sample-frames.ts';

/**
 * From where on a category is not allowed. High, since what is stopped needs a person: the local engine gives everyday photos
 * up to 0.5 for `sexual`. It takes beaches and parties for `suggestive` (0.85 to 0.95), which is therefore only reported. Hate
 * is found in pictures by no provider so far (ai/openai/moderator.ts).
 */
const THRESHOLDS: Readonly<Record<SafetyCategory, number | null>> = {
	sexual: 0.8,
	suggestive: null,
	violence: 0.8,
	self_harm: 0.8,
	hate: null,
};

const threshold = (category: SafetyCategory, what: string) => {
	const fallback = THRESHOLDS[category];
	return z
		.number()
		.min(0)
		.max(1)
		.nullable()
		.default(fallback)
		.describe(`${what}: not allowed from this score on, 0 to 1; null: only reported. Default ${fallback ?? 'null'}.`);
};

const thresholds = z.strictObject({
	sexual: threshold('sexual', 'Pornography'),
	suggestive: threshold('suggestive', 'Bare skin without sex'),
	violence: threshold('violence', 'Violence and gore'),
	self_harm: threshold('self_harm', 'Self-harm'),
	hate: threshold('hate', 'Hate (found in pictures by no provider so far)'),
});

const params = z.strictObject({
	frames: z.int().min(1).max(64).default(16).describe('Frames of a video that are looked at, spread over its scenes. Default 16.'),
	thresholds: thresholds
		.prefault({})
		.describe('Per category the score from which on it is not allowed, e.g. `{ "sexual": 0.9, "suggestive": 0.97 }`.'),
	action: z
		.enum(['stop', 'report'])
		.default('stop')
		.describe(
			'stop: above a threshold the job fails with `content_unsafe`, the asset fails, and whatever else is asked of it ends. report: only tells. Default stop.',
		),
});
type Params = z.infer<typeof params>;

interface ScannedFrame {
	atSeconds: number | null;
	scores: SafetyScores;
}

export interface Finding {
	category: SafetyCategory;
	/** The highest. */
	score: number;
	threshold: number;
	/** Worst first. */
	moments: Array<{ at_seconds: number | null; score: number }>;
}

export interface SafetyScanDeps {
	moderator: Moderator;
	engine: Engine;
	/** What an earlier scan has stopped the asset for: this one looks at the same moments, too. */
	foundBefore(asset: { id: string; workspaceId: string }): Promise<Found[]>;
}

/** Looks for what must not be published. What happens to the asset when it finds some: pipeline/safety.ts. */
export function createSafetyScan({ moderator, engine, foundBefore }: SafetyScanDeps): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'safety_scan',
		version: 1,
		summary: 'Looks at frames, and at the cover of a sound, for pornography, violence and self-harm, and stops the asset when it finds more than is allowed.',
		analyses: true,
		guards: ({ action }) => action === 'stop',
		accepts: ['video', 'image', 'audio'],
		params,
		example: { frames: 16, thresholds: { sexual: 0.8 }, action: 'stop' },
		produces:
			'`safe`, `scores` (the highest per category), `findings` (what is above a threshold: `category`, `score`, `threshold`, `moments`), `frames` (each with `at_seconds`, `scores`), `not_looked_for` (categories with a threshold that the provider does not know), `provider`, `model`, `notes`. Not safe and `action` stop: the job fails with `content_unsafe`, whose `details` hold the findings. A later scan lifts that when it passes, has looked for the same categories, and at the same moments, which it adds to its own.',
		estimateSeconds: (facts, { frames }) => (facts?.fileType === 'audio' ? 1 : 3 + (facts?.fileType === 'video' ? frames * 0.4 : 0.4)),
		async run(context, given) {
			const { facts } = await context.source();
			const covers = facts.video ? null : await context.step('frames', () => sampleCovers(context));
			if (covers?.pictures.length === 0) return { output: { ...NOTHING, notes: ['There is nothing to see in a sound.', ...missedNotes(covers.missed)] } };
			const obstacle = moderator.obstacle();
			if (obstacle) throw new PipelineError('provider_not_configured', obstacle);
			const before = context.assetId === null ? [] : await foundBefore({ id: context.assetId, workspaceId: context.workspaceId });
			const also = before.flatMap(({ moments }) => moments);
			const { pictures, missed, cpuSeconds } = covers
				? { ...covers, cpuSeconds: 0 }
				: await context.step('frames', () => sampleFrames(context, engine, { most: given.frames, progress: [0, 40], also }));
			const answer = await context.step('moderate', () =>
				moderator.moderate(pictures, { signal: context.signal, onProgress: (percent) => context.progress(40 + percent * 0.55) }),
			);
			// What nobody has looked at is not safe.
			if (answer.scores.length !== pictures.length)
				throw new PipelineError('processing_failed', `${answer.provider} answered for ${answer.scores.length} of ${pictures.length} frames. Try again, or choose another provider for "moderate" in the routing.`);
			const frames = pictures.map(({ atSeconds }, index) => ({ atSeconds, scores: answer.scores[index] ?? {} }));
			if (!areVerdicts(frames))
				throw new PipelineError('processing_failed', `${answer.provider} (${answer.model}) gave no scores for some of the frames. Try again, or choose another provider for "moderate" in the routing.`);
			const findings = judge(frames, given.thresholds);
			if (findings.length > 0 && given.action === 'stop') throw unsafe(findings);
			const missing = SAFETY_CATEGORIES.filter((category) => given.thresholds[category] !== null && frames.every(({ scores }) => scores[category] === undefined));
			const notes = [
				...(answer.notes ?? []),
				...missedNotes(missed),
				...(missing.length > 0 ? [`${answer.provider} (${answer.model}) does not look for: ${missing.join(', ')}.`] : []),
				...before.filter(({ category }) => missing.some((one) => one === category)).map(({ category }) => `An earlier scan has stopped this asset for ${category}, and this one says nothing of that: it stays stopped.`),
			];
			return {
				output: {
					safe: findings.length === 0,
					scores: highest(frames),
					findings,
					frames: frames.map(({ atSeconds, scores }) => ({ at_seconds: atSeconds, scores })),
					not_looked_for: missing,
					provider: answer.provider,
					model: answer.model,
					...(notes.length > 0 ? { notes } : {}),
				},
				cost: { ...answer.usage, cpu_seconds: cpuSeconds },
			};
		},
	};
}

const NOTHING = { safe: true, scores: {}, findings: [], frames: [], not_looked_for: [] };

const missedNotes = (missed: number): string[] =>
	missed > 0 ? [`${missed === 1 ? 'One picture' : `${missed} pictures`} could not be looked at, as the file is damaged there.`] : [];

/** The same categories in each, at least one, and numbers only: a model that computes nonsense (NaN) has seen nothing. */
function areVerdicts(frames: readonly ScannedFrame[]): boolean {
	const [first] = frames;
	const known = SAFETY_CATEGORIES.filter((category) => first?.scores[category] !== undefined);
	return known.length > 0 && frames.every(({ scores }) => SAFETY_CATEGORIES.every((category) => (known.includes(category) ? Number.isFinite(scores[category]) : scores[category] === undefined)));
}

/** What is above its threshold, the worst first. */
export function judge(frames: readonly ScannedFrame[], limits: Readonly<Record<SafetyCategory, number | null>>): Finding[] {
	return SAFETY_CATEGORIES.flatMap((category) => {
		const limit = limits[category];
		if (limit === null) return [];
		const moments = frames
			.map(({ atSeconds, scores }) => ({ at_seconds: atSeconds, score: scores[category] ?? 0 }))
			.filter(({ score }) => score > 0 && score >= limit)
			.toSorted((a, b) => b.score - a.score);
		const [worst] = moments;
		return worst ? [{ category, score: worst.score, threshold: limit, moments }] : [];
	}).toSorted((a, b) => b.score - a.score);
}

/** Per category that anything was said of. */
function highest(frames: readonly ScannedFrame[]): SafetyScores {
	const found: SafetyScores = {};
	for (const { scores } of frames)
		for (const category of SAFETY_CATEGORIES) {
			const score = scores[category];
			if (score !== undefined) found[category] = Math.max(score, found[category] ?? 0);
		}
	return found;
}

function unsafe(findings: Finding[]): PipelineError {
	const [worst] = findings as [Finding];
	const [first] = worst.moments;
	const where = first?.at_seconds === null || first?.at_seconds === undefined ? '' : ` at ${first.at_seconds.toFixed(1)} s`;
	const others = findings.slice(1).map(({ category }) => category);
	return new PipelineError(
		'content_unsafe',
		`The safety scan found ${worst.category} content${where}: ${worst.score.toFixed(2)}, allowed is less than ${worst.threshold}.${others.length > 0 ? ` Also: ${others.join(', ')}.` : ''}`,
		{ details: { category: worst.category, score: worst.score, threshold: worst.threshold, moments: worst.moments, findings } },
	);
}
