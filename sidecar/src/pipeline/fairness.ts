/**
 * Start-time fair queueing (Goyal, Vin, Cheng 1996), at the moment a job becomes ready. Each workspace has a flow per priority.
 * A job's rank is where its flow stands (never behind the virtual time) plus a step; the lowest rank goes first. So workspaces
 * with waiting jobs take turns whatever the length of their queues, an urgent job passes the normal ones of its own workspace,
 * and nobody waits for ever: what is new ranks behind the virtual time, which grows.
 */

/** Steps are whole numbers, and those of neighbouring priorities differ: 2 at 10, 3 at 9, 64 at 0, 2048 at -10. Two levels double the share. */
export const stepOf = (priority: number): number => Math.round(2 ** (6 - priority / 2));

export interface Advanced {
	/** Where the flow stands now. */
	lastTag: number;
	/** Of each job, in the order given. */
	ranks: number[];
}

/**
 * Ranks `count` jobs of one flow. `virtualTime`: the largest rank that was claimed so far; a flow that was idle begins there,
 * so that idling earns no credit. `lastTag`: null for a new flow.
 */
export function advance(lastTag: number | null, virtualTime: number, priority: number, count: number): Advanced {
	const end = Math.max(lastTag ?? 0, virtualTime) + count * stepOf(priority);
	return { lastTag: end, ranks: ranksUpTo(end, priority, count) };
}

/** The ranks of the last `count` jobs of a flow that stands at `lastTag`. */
export const ranksUpTo = (lastTag: number, priority: number, count: number): number[] =>
	Array.from({ length: count }, (_, index) => lastTag - (count - 1 - index) * stepOf(priority));

/** Queue engines order by a 32-bit number, higher first; ranks grow without end (millions of jobs a day, for years). */
const WINDOW = 2 ** 30;
const LOWEST = -(2 ** 31);

/**
 * The priority of a message. Counted from a base that follows the virtual time in long strides. At a stride, messages sent before
 * it stand behind the new ones until the reconciler sends them again (an hour at most, every ten million jobs).
 */
export function messagePriority(rank: number, virtualTime: number): number {
	const base = Math.floor(virtualTime / WINDOW) * WINDOW;
	return Math.min(-LOWEST - 1, Math.max(LOWEST, base - rank));
}
