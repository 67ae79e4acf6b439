import { bestTimes, MIN_POSTS, type PastPost } from '../../../sidecar/src/social/best-time.ts';

const now = new Date('2026-11-18T10:20:00Z');
const options = { now, timeZone: 'Europe/Berlin', count: 3, days: 7, spacingHours: 12, leadMinutes: 15 };
const DAY = 86_400_000;

/** A post every day at a local hour for `weeks` weeks; those on Thursdays at 19:00 (Berlin) do best. */
function history(weeks: number, best = 100, usual = 10): PastPost[] {
	const posts: PastPost[] = [];
	for (let day = 1; day <= weeks * 7; day += 1) {
		const at = new Date(Date.UTC(2026, 10, 18) - day * DAY + 9 * 3_600_000);
		posts.push({ at, value: usual });
		if (at.getUTCDay() === 4) posts.push({ at: new Date(at.getTime() + 9 * 3_600_000), value: best });
	}
	return posts;
}

describe('bestTimes', () => {
	it('finds the hour of the week at which posts did best, in the time zone of the audience', () => {
		const { slots, enough, posts } = bestTimes(history(3), options);
		expect(enough).toBe(true);
		expect(posts).toBe(24);
		// 18:00 UTC is 19:00 in Berlin; 19 November 2026 is a Thursday.
		expect(slots[0]).toMatchObject({ at: new Date('2026-11-19T18:00:00Z'), weekday: 'Thursday', hour: 19 });
		expect(slots[0]!.score!).toBeGreaterThan(slots[1]!.score!);
		expect(slots[0]!.posts).toBeGreaterThan(0);
	});

	it('keeps the hours between two times, and the lead', () => {
		const { slots } = bestTimes(history(8), { ...options, count: 10, spacingHours: 10, leadMinutes: 120 });
		expect(slots).toHaveLength(10);
		for (const [index, slot] of slots.entries()) {
			expect(slot.at.getTime()).toBeGreaterThanOrEqual(now.getTime() + 120 * 60_000);
			expect(slot.at.getTime()).toBeLessThanOrEqual(now.getTime() + 7 * DAY + 3 * 3_600_000);
			for (const other of slots.slice(index + 1)) expect(Math.abs(other.at.getTime() - slot.at.getTime())).toBeGreaterThanOrEqual(10 * 3_600_000);
		}
	});

	it.each([
		['too few posts', history(1).slice(0, 5), `5 posts with numbers, ${MIN_POSTS} are needed`],
		['all within a few days', Array.from({ length: 20 }, (_, index) => ({ at: new Date(now.getTime() - DAY - index * 3_600_000), value: index })), 'within 0 days'],
		['none', [], '0 posts'],
	])('says when the history is too thin: %s', (_, past, reason) => {
		const found = bestTimes(past, options);
		expect(found).toMatchObject({ enough: false, reason: expect.stringContaining(reason) });
		expect(found.slots).toHaveLength(3);
		for (const slot of found.slots) expect([slot.score, [9, 12, 17].includes(slot.hour)]).toEqual([null, true]);
	});

	it('is not led astray by one post that went round the world', () => {
		const lucky: PastPost = { at: new Date('2026-11-10T02:00:00Z'), value: 1_000_000 };
		expect(bestTimes([...history(3), lucky], options).slots[0]).toMatchObject({ weekday: 'Thursday', hour: 19 });
	});

	it('follows a change of habits', () => {
		const old = history(30).map(({ at, value }) => ({ at: new Date(at.getTime() - 300 * DAY), value }));
		const recent = history(6, 10, 10).map((post) => (post.at.getUTCDay() === 1 ? { ...post, value: 100 } : post));
		expect(bestTimes([...old, ...recent], options).slots[0]).toMatchObject({ weekday: 'Monday', hour: 10 });
	});

	it('counts the hours of the time zone across the change of clocks', () => {
		const { slots } = bestTimes(history(8), { ...options, now: new Date('2026-10-24T10:00:00Z'), count: 20, spacingHours: 2 });
		for (const { at, hour } of slots) expect(new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', hourCycle: 'h23' }).format(at)).toBe(String(hour).padStart(2, '0'));
	});
});
