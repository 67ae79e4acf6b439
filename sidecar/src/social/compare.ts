import type { Engagement } from './platform.ts';
import { valueOf, type Metric } from './measuring.ts';

/** Which of several variants did better, and how sure that is. Pure. */

export interface Measured {
	variant: string;
	numbers: Engagement;
}

export interface Interval {
	low: number;
	high: number;
}

export interface VariantResult {
	variant: string;
	posts: number;
	/** Null: some post's views are not known. */
	views: number | null;
	/** What was counted. */
	count: number;
	/** `count` per view, or per post where views are not known. */
	rate: number;
	/** 95 % interval of the rate. */
	interval: Interval;
}

export interface Comparison {
	metric: Metric;
	/** What a rate is of. */
	per: 'view' | 'post';
	/** Best first. */
	variants: VariantResult[];
	/** Best against second: difference of the rates (per view), or their ratio (per post). Null: there is nothing to compare. */
	difference: (Interval & { best: string; second: string; of: 'difference' | 'ratio' }) | null;
	/** The interval leaves out "no difference". */
	decided: boolean;
	summary: string;
}

/** Two-sided 95 %. */
const Z = 1.959964;

export function compareVariants(measured: readonly Measured[], metric: Metric): Comparison {
	const usable = measured.filter(({ numbers }) => valueOf(numbers, metric) !== null);
	const per = metric !== 'views' && usable.length > 0 && usable.every(({ numbers }) => numbers.views !== null && numbers.views > 0) ? 'view' : 'post';
	const names = [...new Set(usable.map(({ variant }) => variant))];
	const variants = names.map((variant) => resultOf(variant, usable.filter((one) => one.variant === variant), metric, per)).toSorted((a, b) => b.rate - a.rate || a.variant.localeCompare(b.variant));
	const [best, second] = variants;
	if (!best || !second) return { metric, per, variants, difference: null, decided: false, summary: best ? `Only variant ${best.variant} has numbers yet.` : 'There are no numbers yet. Read them from the platforms first (Get Posts).' };
	const difference = per === 'view' ? newcombe(best, second) : rateRatio(best, second);
	const nothing = per === 'view' ? 0 : 1;
	const decided = difference.low > nothing;
	const of = per === 'view' ? ('difference' as const) : ('ratio' as const);
	const unit = per === 'view' ? 'per view' : 'per post';
	const rates = `${best.variant} ${shown(best.rate, per)} against ${second.variant} ${shown(second.rate, per)} ${unit}`;
	const summary = decided ? `Variant ${best.variant} did better: ${rates} (95 % sure).` : `No clear difference yet: ${rates}. Wait for more numbers, or post more of each.`;
	return { metric, per, variants, difference: { ...difference, best: best.variant, second: second.variant, of }, decided, summary };
}

const shown = (rate: number, per: 'view' | 'post'): string => (per === 'view' ? `${(rate * 100).toFixed(2)} %` : rate.toFixed(1));

function resultOf(variant: string, posts: readonly Measured[], metric: Metric, per: 'view' | 'post'): VariantResult {
	const count = posts.reduce((sum, { numbers }) => sum + (valueOf(numbers, metric) ?? 0), 0);
	const views = posts.every(({ numbers }) => numbers.views !== null) ? posts.reduce((sum, { numbers }) => sum + (numbers.views ?? 0), 0) : null;
	if (per === 'view' && views !== null) {
		// Somebody may do several things after one look: no rate is above 1.
		const rate = Math.min(1, count / views);
		return { variant, posts: posts.length, views, count, rate, interval: wilson(rate, views) };
	}
	return { variant, posts: posts.length, views, count, rate: count / posts.length, interval: poisson(count, posts.length) };
}

/** Wilson's score interval of a share (E. B. Wilson, JASA 22, 1927). */
export function wilson(rate: number, n: number): Interval {
	const z2 = Z * Z;
	const centre = (rate + z2 / (2 * n)) / (1 + z2 / n);
	const half = (Z / (1 + z2 / n)) * Math.sqrt((rate * (1 - rate)) / n + z2 / (4 * n * n));
	return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Byar's approximation for a count over `n` posts (Rothman, Boice: Epidemiologic Analysis, 1979). */
export function poisson(count: number, n: number): Interval {
	const low = count === 0 ? 0 : count * (1 - 1 / (9 * count) - Z / (3 * Math.sqrt(count))) ** 3;
	const above = count + 1;
	return { low: Math.max(0, low) / n, high: (above * (1 - 1 / (9 * above) + Z / (3 * Math.sqrt(above))) ** 3) / n };
}

/** Interval of the difference of two shares (R. G. Newcombe, Statistics in Medicine 17, 1998, method 10). */
function newcombe(best: VariantResult, second: VariantResult): Interval {
	const difference = best.rate - second.rate;
	return {
		low: difference - Math.hypot(best.rate - best.interval.low, second.interval.high - second.rate),
		high: difference + Math.hypot(best.interval.high - best.rate, second.rate - second.interval.low),
	};
}

/** Interval of the ratio of two counts per post, on the scale of logarithms; half a count more so that none is 0. */
function rateRatio(best: VariantResult, second: VariantResult): Interval {
	const [a, b] = [best.count + 0.5, second.count + 0.5];
	const ratio = Math.log(a / best.posts) - Math.log(b / second.posts);
	const half = Z * Math.sqrt(1 / a + 1 / b);
	return { low: Math.exp(ratio - half), high: Math.exp(ratio + half) };
}
