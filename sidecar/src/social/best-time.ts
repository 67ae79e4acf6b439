/** When to post next, from what earlier posts of the account got. Pure. */

export interface PastPost {
	at: Date;
	/** What it got, in the metric that counts. */
	value: number;
}

export interface BestTimeOptions {
	now: Date;
	/** IANA name: `Europe/Berlin`. */
	timeZone: string;
	count: number;
	/** Slots lie within so many days. */
	days: number;
	/** Hours between two slots. */
	spacingHours: number;
	/** Not before so many minutes from now. */
	leadMinutes: number;
}

export interface Slot {
	at: Date;
	/** Monday … Sunday, and the hour, in the time zone. */
	weekday: string;
	hour: number;
	/** What a post got around this time, against the account's usual post: 1.3 is 30 % more. Null: not from history. */
	score: number | null;
	/** Posts within two hours of it, on that weekday. */
	posts: number;
}

export interface BestTimes {
	/** Best first. */
	slots: Slot[];
	/** False: the history is too thin, the slots are ordinary hours on different days. */
	enough: boolean;
	reason: string;
	posts: number;
}

/** Below this, chance decides: each hour of the week has hardly been tried. */
export const MIN_POSTS = 15;
const MIN_DAYS = 14;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Habits change: a post of two months ago counts half. */
const HALF_LIFE_DAYS = 60;
/** People are not awake by the hour: what happened an hour and a half away tells nearly as much. */
const SIGMA_HOURS = 1.5;
/** The same hour on another day tells something, too. */
const OTHER_DAY = 0.25;
/** Ordinary posts that each hour is given to begin with, so that one lucky post does not decide. */
const PRIOR = 2;
/** Tried where nothing is known: morning, noon, end of work. */
const ORDINARY_HOURS = [9, 12, 17];

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

export function bestTimes(past: readonly PastPost[], options: BestTimeOptions): BestTimes {
	const { now, timeZone, days, leadMinutes } = options;
	const local = clock(timeZone);
	const candidates = hoursAhead(now, days, leadMinutes).map((at) => ({ at, ...local(at) }));
	const span = past.length > 0 ? (Math.max(...past.map(({ at }) => at.getTime())) - Math.min(...past.map(({ at }) => at.getTime()))) / DAY_MS : 0;
	if (past.length < MIN_POSTS || span < MIN_DAYS) {
		const why = past.length < MIN_POSTS ? `${past.length} posts with numbers, ${MIN_POSTS} are needed` : `all posts lie within ${Math.floor(span)} days, ${MIN_DAYS} are needed`;
		const slots = choose(
			candidates.filter(({ hour }) => ORDINARY_HOURS.includes(hour)).map((slot) => ({ ...slot, score: null, posts: 0 })),
			{ ...options, spacingHours: Math.max(options.spacingHours, 20) },
		);
		return { slots, enough: false, posts: past.length, reason: `The history is too thin: ${why}. These are ordinary hours on different days; posting at them builds the history.` };
	}
	const usual = median(past.map(({ value }) => value));
	const posts = past.map(({ at, value }) => ({
		...local(at),
		// Half a thing more, so that an account whose usual post gets nothing has a ratio, too. One that went round the world counts as four.
		score: Math.min(4, (value + 0.5) / (usual + 0.5)),
		weight: 0.5 ** ((now.getTime() - at.getTime()) / DAY_MS / HALF_LIFE_DAYS),
	}));
	const scored = candidates.map((slot): Slot => {
		let sum = PRIOR;
		let weights = PRIOR;
		let near = 0;
		for (const post of posts) {
			const gap = hoursApart(slot.hour, post.exact);
			const sameDay = post.day === slot.day;
			const weight = post.weight * Math.exp(-(gap ** 2) / (2 * SIGMA_HOURS ** 2)) * (sameDay ? 1 : OTHER_DAY);
			sum += weight * post.score;
			weights += weight;
			if (sameDay && gap <= 2) near += 1;
		}
		return { at: slot.at, weekday: slot.weekday, hour: slot.hour, score: Math.round((sum / weights) * 100) / 100, posts: near };
	});
	return { slots: choose(scored.toSorted((a, b) => (b.score ?? 0) - (a.score ?? 0) || a.at.getTime() - b.at.getTime()), options), enough: true, posts: past.length, reason: `From ${past.length} posts over ${Math.floor(span)} days.` };
}

/** Full hours from now on. */
function hoursAhead(now: Date, days: number, leadMinutes: number): Date[] {
	const first = Math.ceil((now.getTime() + leadMinutes * 60_000) / HOUR_MS) * HOUR_MS;
	return Array.from({ length: days * 24 }, (_, index) => new Date(first + index * HOUR_MS));
}

/** The first ones that are far enough from each other. */
function choose<T extends { at: Date; weekday: string; hour: number; score: number | null; posts: number }>(sorted: readonly T[], { count, spacingHours }: BestTimeOptions): Slot[] {
	const chosen: Slot[] = [];
	for (const { at, weekday, hour, score, posts } of sorted) {
		if (chosen.length === count) break;
		if (chosen.every((other) => Math.abs(other.at.getTime() - at.getTime()) >= spacingHours * HOUR_MS)) chosen.push({ at, weekday, hour, score, posts });
	}
	return chosen;
}

const hoursApart = (a: number, b: number): number => Math.min(Math.abs(a - b), 24 - Math.abs(a - b));

/** Weekday and hour of a time as people there have it. */
function clock(timeZone: string): (at: Date) => { day: number; weekday: string; hour: number; exact: number } {
	const format = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'long', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
	return (at) => {
		const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
		const weekday = parts['weekday'] ?? '';
		const hour = Number(parts['hour']);
		return { day: WEEKDAYS.indexOf(weekday), weekday, hour, exact: hour + Number(parts['minute']) / 60 };
	};
}

function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
