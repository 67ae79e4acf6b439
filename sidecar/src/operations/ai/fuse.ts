import type { Hit } from '../../db/search.ts';

/** How something was found. words: its text; meaning: what it says, in whatever words; similar: it is like the given asset. */
export type SearchMethod = 'words' | 'meaning' | 'similar';

/** Hits of one method, best first. */
export interface Ranking {
	method: SearchMethod;
	hits: Hit[];
}

export interface FoundMoment {
	hit: Hit;
	/** 0 to 1; 1: the first one of every ranking. */
	score: number;
	methods: SearchMethod[];
}

export interface FoundGroup {
	assetId: string;
	/** 0 to 1; 1: the first one of every ranking. */
	score: number;
	methods: SearchMethod[];
	/** Best first. */
	moments: FoundMoment[];
}

/**
 * Reciprocal rank fusion: 1 / (60 + rank), added up over the rankings (Cormack, Clarke and Büttcher, SIGIR 2009, with their
 * constant). It needs no scores that can be compared, which cosines and weights of words cannot be. What words find is
 * weighed by the square of how much of the query they are: one word of a long question, without it, would push what answers
 * the question off the first page (bench/search.ts: recall@5 of 0.29 in place of 0.99).
 */
const K = 60;
const MOMENTS_PER_ASSET = 3;

const weightOf = (method: SearchMethod, { score }: Hit): number => (method === 'words' ? score ** 2 : 1);

/** Assets by their best moment in each ranking. */
export function fuse(rankings: readonly Ranking[]): FoundGroup[] {
	const moments = new Map<string, FoundMoment>();
	const groups = new Map<string, FoundGroup>();
	const best = Math.max(1, rankings.length) / (K + 1);
	for (const { method, hits } of rankings) {
		const places = new Map<string, number>();
		for (const hit of hits) {
			const place = places.get(hit.assetId) ?? places.size + 1;
			const group = groups.get(hit.assetId) ?? { assetId: hit.assetId, score: 0, methods: [], moments: [] };
			groups.set(hit.assetId, group);
			if (!places.has(hit.assetId)) group.score += weightOf(method, hit) / (K + place) / best;
			places.set(hit.assetId, place);
			add(group.methods, method);
			const moment = moments.get(hit.entryId) ?? { hit, score: 0, methods: [] };
			if (!moments.has(hit.entryId)) group.moments.push(moment);
			moments.set(hit.entryId, moment);
		}
		for (const [index, hit] of hits.entries()) {
			const moment = moments.get(hit.entryId);
			if (!moment) continue;
			moment.score += weightOf(method, hit) / (K + index + 1) / best;
			add(moment.methods, method);
		}
	}
	const sorted = [...groups.values()].sort((a, b) => b.score - a.score || a.assetId.localeCompare(b.assetId));
	return sorted.map((group) => ({ ...group, moments: chosen(group.moments) }));
}

function add(methods: SearchMethod[], method: SearchMethod): void {
	if (!methods.includes(method)) methods.push(method);
}

/** The best ones, without those that show the same seconds as a better one. */
function chosen(moments: readonly FoundMoment[]): FoundMoment[] {
	const kept: FoundMoment[] = [];
	for (const moment of [...moments].sort((a, b) => b.score - a.score)) {
		if (kept.length === MOMENTS_PER_ASSET) break;
		if (!kept.some(({ hit }) => overlaps(hit, moment.hit))) kept.push(moment);
	}
	return kept;
}

const overlaps = (a: Hit, b: Hit): boolean =>
	a.kind === b.kind && a.startSeconds !== null && b.startSeconds !== null && a.startSeconds < (b.endSeconds ?? b.startSeconds) && b.startSeconds < (a.endSeconds ?? a.startSeconds);
