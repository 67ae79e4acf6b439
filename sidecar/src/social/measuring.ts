import type { Engagement } from './platform.ts';

const HOUR_MS = 3_600_000;

/** Ages of a post at which its numbers are worth reading, in hours: often while they grow, and seldom when nobody sees it any more. */
const AGES_HOURS = [1, 3, 6, 12, 24, 48, 72, 120, 168, 336, 720, 1440, 2160];

/** When to read the numbers next. Null: never again. */
export function nextMeasuring(publishedAt: Date, now: Date): Date | null {
	const ageMs = now.getTime() - publishedAt.getTime();
	const next = AGES_HOURS.find((hours) => hours * HOUR_MS > ageMs);
	return next === undefined ? null : new Date(publishedAt.getTime() + next * HOUR_MS);
}

export const METRICS = ['engagement', 'views', 'likes', 'comments', 'shares', 'saves', 'clicks'] as const;
export type Metric = (typeof METRICS)[number];

/** `engagement`: everything that people did, beside seeing it. Null: the platform tells nothing of it. */
export function valueOf(numbers: Engagement, metric: Metric): number | null {
	if (metric !== 'engagement') return numbers[metric];
	const known = [numbers.likes, numbers.comments, numbers.shares, numbers.saves, numbers.clicks].filter((value): value is number => value !== null);
	return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}
