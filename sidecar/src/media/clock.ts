import { z } from 'zod';

/** Places in a video, as people write them. Pure. */

/** `90`, `"90"`, `"1:30"`, `"0:01:30.5"`. */
const CLOCK = /^(?:(?:(\d+):)?([0-5]?\d):)?([0-5]?\d(?:\.\d+)?)$/;
const SECONDS = /^\d+(\.\d+)?$/;

export const place = (what: string): z.ZodUnion<readonly [z.ZodNumber, z.ZodString]> =>
	z
		.union([
			z.number().min(0).max(1e6),
			z.string().max(20).refine((text) => CLOCK.test(text) || SECONDS.test(text), 'Use seconds (90.5) or a time ("1:30", "0:01:30.5").'),
		])
		.describe(`${what}: seconds (90.5) or a time ("1:30.5").`);

/** Seconds of what `place` accepts, to the millisecond. */
export function secondsOf(value: number | string): number {
	if (typeof value === 'number') return Math.round(value * 1000) / 1000;
	if (SECONDS.test(value)) return secondsOf(Number(value));
	const [, hours = 0, minutes = 0, seconds = 0] = CLOCK.exec(value) ?? [];
	return secondsOf(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
}
