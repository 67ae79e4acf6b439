import fc from 'fast-check';
import { fitShortSide, ladder, maxKbps, rateFraction } from '../../../sidecar/src/media/ladder.ts';
import { picture } from '../../support/facts.ts';

const names = (width: number, height: number, heights?: number[]): string[] =>
	ladder(picture({ width, height }), 30, heights).map((rung) => `${rung.width}x${rung.height}`);

describe('ladder', () => {
	it('has every rung up to the source, largest first', () => {
		expect(names(1920, 1080)).toEqual(['1920x1080', '1280x720', '960x540', '640x360', '426x240']);
		expect(names(3840, 2160, [240, 2160, 240])).toEqual(['3840x2160', '426x240']);
	});

	it('measures a portrait by its width', () => {
		expect(names(1080, 1920)).toEqual(['1080x1920', '720x1280', '540x960', '360x640', '240x426']);
	});

	it('puts the source in the place of rungs above it, where it is worth one', () => {
		expect(names(1600, 900)).toEqual(['1600x900', '1280x720', '960x540', '640x360', '426x240']);
		expect(names(1364, 768)).toEqual(['1278x720', '960x540', '640x360', '426x240']);
		expect(names(160, 90)).toEqual(['160x90']);
		expect(names(321, 181, [720])).toEqual(['320x180']);
	});

	it('never goes above the source, and has even sides', () => {
		const side = fc.integer({ min: 2, max: 4320 });
		fc.assert(
			fc.property(side, side, (width, height) => {
				for (const rung of ladder(picture({ width, height }), 30)) {
					expect([rung.width % 2, rung.height % 2]).toEqual([0, 0]);
					expect(rung.width).toBeLessThanOrEqual(Math.max(2, width));
					expect(rung.height).toBeLessThanOrEqual(Math.max(2, height));
				}
			}),
		);
	});

	it('gives smaller pictures more bits per pixel, and faster ones more bits', () => {
		expect(maxKbps({ width: 1920, height: 1080 }, 30)).toBe(6000);
		expect(maxKbps({ width: 960, height: 540 }, 30)).toBe(2100);
		expect(maxKbps({ width: 1920, height: 1080 }, 60)).toBe(9000);
	});

	it('keeps the proportions of what it makes smaller, and leaves small ones alone', () => {
		expect(fitShortSide({ width: 2560, height: 1080 }, 720)).toEqual({ width: 1706, height: 720 });
		expect(fitShortSide({ width: 640, height: 361 }, 720)).toEqual({ width: 640, height: 360 });
	});

	it.each([
		[30000 / 1001, '30000/1001'],
		[23.976, '24000/1001'],
		[59.94, '60000/1001'],
		[25, '25/1'],
		[12.5, '12500/1000'],
		[29.5, '29500/1000'],
	])('writes %d pictures a second as %s', (rate, expected) => {
		expect(rateFraction(rate)).toBe(expected);
	});
});
