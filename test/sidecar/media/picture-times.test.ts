import { beginOfShown, readTimes } from '../../../sidecar/src/media/picture-times.ts';

describe('when pictures begin', () => {
	it('is counted from the beginning of the file, without what an edit list hides', () => {
		expect([...readTimes('packet,1.500000\npacket,1.400000\npacket,1.433333\npacket,N/A\npacket,1.466667\nformat,1.433333\n')]).toEqual([0, expect.closeTo(0.033334, 6), expect.closeTo(0.066667, 6)]);
	});

	it('is that of the picture that is shown at the moment, however long it is held', () => {
		const times = Float64Array.of(0, 0.2, 19);
		expect([0, 0.1999, 0.2, 10, 18.9989, 19, 60].map((at) => beginOfShown(times, at))).toEqual([0, 0, 0.2, 0.2, 0.2, 19, 19]);
		expect([beginOfShown(Float64Array.of(), 4.2), beginOfShown(Float64Array.of(3), 1)]).toEqual([4.2, 1]);
	});

	it.each([
		['1/90000', 90_000 / 30.3],
		['30000/1001', 30_000 / 1001],
		['240 a second', 240],
		['1000 a second', 1000],
	])('stays the same when it is asked for again (%s)', (_base, rate) => {
		// As ffprobe writes them: to the millionth.
		const times = Float64Array.from({ length: 5000 }, (_, index) => Math.round((index / rate) * 1e6) / 1e6);
		for (const time of times) {
			const begin = beginOfShown(times, time);
			expect(time - begin).toBeLessThan(0.001);
			expect(begin).toBeLessThanOrEqual(time);
			expect(beginOfShown(times, begin)).toBe(begin);
		}
	});
});
