import { nextMeasuring, valueOf } from '../../../sidecar/src/social/measuring.ts';

const at = (hours: number) => new Date(Date.UTC(2026, 0, 1) + hours * 3_600_000);

describe('when the numbers of a post are read', () => {
	it.each([
		[0, 1],
		[1, 3],
		[2.9, 3],
		[5, 6],
		[25, 48],
		[720, 1440],
	])('at the age of %d hours: again at %d', (age, next) => expect(nextMeasuring(at(0), at(age))).toEqual(at(next)));

	it('not any more after three months', () => expect(nextMeasuring(at(0), at(2160))).toBeNull());
});

describe('the value of a post', () => {
	it('is unknown where the platform tells nothing', () => {
		const nothing = { views: 5, likes: null, comments: null, shares: null, saves: null, clicks: null };
		expect([valueOf(nothing, 'engagement'), valueOf(nothing, 'views'), valueOf({ ...nothing, likes: 0 }, 'engagement')]).toEqual([null, 5, 0]);
	});
});
