import { z } from 'zod';
import { SAFETY_CATEGORIES, type Moderator, type SafetyCategory, type SafetyScores } from '../../ai/vision.ts';
import { PipelineError } from '../../errors.ts';
import type { TaskOperation } from '../operation.ts';
import type { Engine } from './engine.ts';
import { sampleFrames } from './sample-frames.ts';

/**
 * From where on a category is not allowed. High, since what is stopped needs a person: the local engine gives everyday photos
 * up to 0.5 for `sexual`. It takes beaches and parties for `suggestive` (0.85 to 0.95), which is therefore only reported.
 */
const THRESHOLDS: Readonly<Record<SafetyCategory, number | null>> = {
	sexual: 0.8,
	suggestive: null,
	violence: 0.8,
	self_harm: 0.8,
	hate: 0.8,
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
	hate: threshold('hate', 'Hate'),
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

/** Looks for what must not be published. What happens to the asset when it finds some: pipeline/safety.ts. */
export function createSafetyScan({ moderator, engine }: { moderator: Moderator; engine: Engine }): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'safety_scan',
		version: 1,
		summary: 'Looks at frames for pornography, violence and hate, and stops the asset when it finds more than is allowed.',
		analyses: true,
		guards: ({ action }) => action === 'stop',
		accepts: ['video', 'image', 'audio'],
		params,
		example: { frames: 16, thresholds: { sexual: 0.8 }, action: 'stop' },
		produces:
			'`safe`, `scores` (the highest per category), `findings` (what is above a threshold: `category`, `score`, `threshold`, `moments`), `frames` (each with `at_seconds`, `scores`), `provider`, `model`, `notes`. Not safe and `action` stop: the job fails with `content_unsafe`, whose `details` hold the findings.',
		estimateSeconds: (facts, { frames }) => (facts?.fileType === 'audio' ? 1 : 3 + (facts?.fileType === 'video' ? frames * 0.4 : 0.4)),
		async run(context, given) {
			const { facts } = await context.source();
			if (!facts.video) return { output: { safe: true, scores: {}, findings: [], frames: [], notes: ['There is nothing to see in a sound.'] } };
			const obstacle = moderator.obstacle();
			if (obstacle) throw new PipelineError('provider_not_configured', obstacle);
			const { pictures, cpuSeconds } = await context.step('frames', () => sampleFrames(context, engine, { most: given.frames, progress: [0, 40] }));
			const answer = await context.step('moderate', () =>
				moderator.moderate(pictures, { signal: context.signal, onProgress: (percent) => context.progress(40 + percent * 0.55) }),
			);
			// What nobody has looked at is not safe.
			if (answer.scores.length !== pictures.length)
				throw new PipelineError('processing_failed', `${answer.provider} answered for ${answer.scores.length} of ${pictures.length} frames. Try again, or choose another provider for "moderate" in the routing.`);
			const frames = pictures.map(({ atSeconds }, index) => ({ atSeconds, scores: answer.scores[index] ?? {} }));
			const findings = judge(frames, given.thresholds);
			if (findings.length > 0 && given.action === 'stop') throw unsafe(findings);
			const missing = unknownCategories(frames, given.thresholds);
			const notes = [
				...(answer.notes ?? []),
				...(missing.length > 0 ? [`${answer.provider} (${answer.model}) does not look for: ${missing.join(', ')}.`] : []),
			];
			return {
				output: {
					safe: findings.length === 0,
					scores: highest(frames),
					findings,
					frames: frames.map(({ atSeconds, scores }) => ({ at_seconds: atSeconds, scores })),
					provider: answer.provider,
					model: answer.model,
					...(notes.length > 0 ? { notes } : {}),
				},
				cost: { ...answer.usage, cpu_seconds: cpuSeconds },
			};
		},
	};
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

/** Categories with a threshold that the provider knows nothing of. */
const unknownCategories = (frames: readonly ScannedFrame[], limits: Params['thresholds']): SafetyCategory[] =>
	SAFETY_CATEGORIES.filter((category) => limits[category] !== null && frames.every(({ scores }) => scores[category] === undefined));

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
