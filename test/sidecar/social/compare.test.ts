import fc from 'fast-check';
import { compareVariants, poisson, wilson, type Measured } from '../../../sidecar/src/social/compare.ts';

const measured = (variant: string, views: number | null, likes: number | null): Measured => ({ variant, numbers: { views, likes, comments: null, shares: null, saves: null, clicks: null } });

describe('compareVariants', () => {
	it('decides where the difference is clear, with counts per view', () => {
		const found = compareVariants([measured('a', 1000, 30), measured('b', 1000, 80), measured('a', 1000, 25)], 'likes');
		expect(found).toMatchObject({ per: 'view', decided: true, variants: [{ variant: 'b', posts: 1, views: 1000, count: 80, rate: 0.08 }, { variant: 'a', posts: 2, views: 2000, count: 55, rate: 0.0275 }] });
		expect(found.difference).toMatchObject({ best: 'b', second: 'a', of: 'difference' });
		expect(found.summary).toBe('Variant b did better: b 8.00 % against a 2.75 % per view (95 % sure).');
	});

	it('does not decide by chance', () => {
		const found = compareVariants([measured('a', 100, 3), measured('b', 100, 5)], 'likes');
		expect(found.decided).toBe(false);
		expect(found.difference!.low).toBeLessThan(0);
		expect(found.summary).toContain('No clear difference yet');
	});

	it('compares per post where a platform tells no views', () => {
		const found = compareVariants([measured('a', null, 4), measured('a', null, 6), measured('b', null, 40), measured('b', null, 44)], 'likes');
		expect(found).toMatchObject({ per: 'post', decided: true, difference: { of: 'ratio', best: 'b' }, variants: [{ rate: 42, views: null }, { rate: 5 }] });
	});

	it('says when there is nothing to compare', () => {
		expect(compareVariants([], 'likes')).toMatchObject({ decided: false, difference: null, summary: expect.stringContaining('no numbers yet') });
		expect(compareVariants([measured('a', 10, 1), measured('b', 10, null)], 'likes')).toMatchObject({ difference: null, summary: 'Only variant a has numbers yet.' });
	});

	it('sums up what people did as engagement', () => {
		const numbers = { views: 100, likes: 3, comments: 2, shares: null, saves: 1, clicks: null };
		expect(compareVariants([{ variant: 'a', numbers }], 'engagement').variants[0]).toMatchObject({ count: 6, rate: 0.06 });
	});

	it('never finds a difference between a variant and its equal', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 1000 }), (views, likes) => {
				expect(compareVariants([measured('a', views, likes), measured('b', views, likes)], 'likes').decided).toBe(false);
				expect(compareVariants([measured('a', null, likes), measured('b', null, likes)], 'likes').decided).toBe(false);
			}),
		);
	});
});

describe('the intervals', () => {
	// R. G. Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I.
	it.each([
		[81, 263, 0.2553, 0.3662],
		[15, 148, 0.0624, 0.1605],
		[0, 20, 0, 0.1611],
		[1, 29, 0.0061, 0.1718],
	])('of a share are those of the literature: %i of %i', (count, n, low, high) => {
		const interval = wilson(count / n, n);
		expect(interval.low).toBeCloseTo(low, 4);
		expect(interval.high).toBeCloseTo(high, 4);
	});

	it('of a count are close to the exact ones', () => {
		// Exact: 10 → 4.795 to 18.39.
		expect(poisson(10, 1).low).toBeCloseTo(4.79, 1);
		expect(poisson(10, 1).high).toBeCloseTo(18.39, 1);
		expect(poisson(0, 1)).toEqual({ low: 0, high: expect.any(Number) });
		expect(poisson(40, 4).low).toBeCloseTo(poisson(40, 1).low / 4);
	});
});
