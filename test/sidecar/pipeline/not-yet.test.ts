import { askAgainAfter } from '../../../sidecar/src/pipeline/not-yet.ts';

describe('a job that waits for another', () => {
	it('looks each second at first, and later less often, but never loses much', () => {
		expect([0, 1, 59, 60, 300, 10_000].map(askAgainAfter)).toEqual([1, 1, 1, 2, 10, 15]);
		// Three hours: not ten thousand looks, and at no time a pause of more than a twentieth of what was waited, once that is a minute.
		let [looks, waited] = [0, 0];
		for (; waited < 10_800; looks += 1) {
			const pause = askAgainAfter(looks);
			if (waited > 60) expect(pause / waited).toBeLessThan(0.05);
			waited += pause;
		}
		expect(looks).toBeLessThan(1100);
	});
});
