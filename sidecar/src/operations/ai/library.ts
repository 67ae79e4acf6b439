import type { TextEmbedder } from '../../ai/embedder.ts';
import { findAsset, type AssetRow } from '../../db/assets.ts';
import type { Database } from '../../db/database.ts';
import { assetsHolding, hasSpace, holding, isIndexed, matching, meanVectors, nearest, newestAssets, type EntryKind, type Hit, type SearchScope } from '../../db/search.ts';
import { matchesIn, parseQuery, searchText, type SearchQuery, type SearchTerm } from '../../db/search-query.ts';
import { readFound } from '../../db/search-assets.ts';
import { hasVectors } from '../../db/search-vectors.ts';
import { plainTag } from '../../db/tags.ts';
import { PipelineError, toPipelineError } from '../../errors.ts';
import type { TellLanguage } from './index-metadata.ts';
import { isDirection } from './entry-vectors.ts';
import { fuse, type FoundGroup, type FoundMoment, type Ranking, type SearchMethod } from './fuse.ts';

export interface SearchRequest {
	q?: string | undefined;
	type?: 'video' | 'audio' | 'image' | undefined;
	tags?: readonly string[] | undefined;
	from?: Date | undefined;
	to?: Date | undefined;
	/** Id of an asset: finds others like it. */
	similarTo?: string | undefined;
	limit: number;
	offset: number;
}

export interface SearchResult {
	asset_id: string;
	file_type: 'video' | 'audio' | 'image' | null;
	title: string;
	tags: string[];
	duration_seconds: number | null;
	width: number | null;
	height: number | null;
	created_at: string;
	/** 0 to 1; 1: the first one of every method. */
	score: number;
	matched_by: SearchMethod[];
	/** Of the best moment; null: the asset as a whole. */
	start_seconds: number | null;
	end_seconds: number | null;
	/** Of the best moment. */
	text: string;
	moments: SearchMoment[];
	/** Signed; the original. */
	file_url: string | null;
	/** Signed; the newest picture of it. */
	thumbnail_url: string | null;
}

export interface SearchMoment {
	kind: EntryKind;
	start_seconds: number | null;
	end_seconds: number | null;
	text: string;
	/** The text as HTML, with the words that matched in `<mark>`. */
	marked: string;
	score: number;
	matched_by: SearchMethod[];
}

export interface SearchAnswer {
	results: SearchResult[];
	/** How was searched. Empty: by filters alone, newest first. */
	methods: SearchMethod[];
	/** What did not work, and why. */
	notes: string[];
	/** What the model for the meaning took. */
	usage: Record<string, number>;
}

/** Finds assets of a workspace, and the moment in them. */
export interface Library {
	/** Throws `not_found` when there is no asset `similarTo`. What cannot be asked (a provider that is down) is left out and said in `notes`. */
	/**
	 * `seen`: the database as the caller may see it. Candidates come from the indexes of all, which policies would keep from being used (what
	 * is asked of an index is not known to leak nothing); what is answered of them is read through `seen`, and nothing else is answered.
	 */
	search(workspaceId: string, request: SearchRequest, signal: AbortSignal, seen?: Database): Promise<SearchAnswer>;
}

export interface LibraryDeps {
	db: Database;
	embedder: TextEmbedder;
	tellLanguage: TellLanguage;
	/** Signed link of a stored file. */
	fileUrl(storageKey: string): string;
}

/** Longest query that is read: a question, not an essay. */
export const MAX_QUERY = 500;
export const MAX_RESULTS = 50;
export const MAX_OFFSET = 200;
/** Entries per ranking: many may belong to the same asset. */
const CANDIDATES = 200;
/**
 * The nearest vector is not always near. With the local model, half of the pairs of unrelated sentences have cosines below
 * 0.20, and 95 % of the pairs that say the same above 0.47 (bench/search.ts prints them); short questions lie in between.
 */
const LEAST_COSINE = 0.25;
/** Of shorter texts, the language is guessed wrong too often. */
const TELLING_CHARACTERS = 30;
/** Not English, and not in Latin letters: whoever knows it is taken to know all. */
const SOME_OTHER_LANGUAGE = 'ja';
/** Answers to the same words (typed again, next page) need no model. */
const REMEMBERED = 200;

export function createLibrary({ db, embedder, tellLanguage, fileUrl }: LibraryDeps): Library {
	const remembered = new Map<string, number[]>();

	const vectorOf = async (text: string, signal: AbortSignal): Promise<{ values: number[]; usage: Record<string, number> }> => {
		const key = `${embedder.space} ${text}`;
		const before = remembered.get(key);
		if (before) return { values: before, usage: {} };
		const { vectors, usage } = await embedder.embed([text], { signal });
		const values = vectors[0] ?? [];
		if (!isDirection(values, embedder.dimensions)) throw new PipelineError('provider_answer_invalid', `${embedder.model} gave no usable vector for the query.`);
		remembered.set(key, values);
		for (const oldest of remembered.keys()) {
			if (remembered.size <= REMEMBERED) break;
			remembered.delete(oldest);
		}
		return { values, usage };
	};

	/** Whether the embedder understands the language of a query, where that can be told. */
	const obstacleTo = async (text: string, signal: AbortSignal): Promise<string | null> => {
		const always = embedder.obstacle();
		if (always || embedder.obstacle(SOME_OTHER_LANGUAGE) === null) return always;
		if (/\p{L}/u.test(text) && !/\p{sc=Latin}/u.test(text)) return embedder.obstacle(SOME_OTHER_LANGUAGE);
		if (text.length < TELLING_CHARACTERS) return null;
		const language = await tellLanguage(text, signal);
		return language === null ? null : embedder.obstacle(language);
	};

	/** By what the words mean; null with a note where that is not possible. */
	const byMeaning = async (scope: SearchScope, query: SearchQuery, notes: string[], usage: Record<string, number>, signal: AbortSignal): Promise<Ranking | null> => {
		if (query.text === '') return null;
		const obstacle = (await hasVectors(db)) ? await obstacleTo(query.text, signal) : 'This database has no pgvector.';
		if (obstacle) {
			notes.push(`Only words were looked for, not meanings: ${obstacle}`);
			return null;
		}
		try {
			const asked = await vectorOf(query.text, signal);
			Object.assign(usage, asked.usage);
			const hits = await nearest(db, scope, { space: embedder.space, values: asked.values }, CANDIDATES);
			if (hits.length === 0 && !(await hasSpace(db, scope.workspaceId, embedder.space)) && (await isIndexed(db, scope.workspaceId)))
				notes.push(`Only words were looked for, not meanings: nothing has been indexed with the model ${embedder.space} yet. Run index_asset on the assets again.`);
			return { method: 'meaning', hits: await allowed(hits.filter(({ score }) => score >= LEAST_COSINE), query) };
		} catch (error) {
			signal.throwIfAborted();
			const { code, message } = toPipelineError(error);
			if (!code.startsWith('provider_') && !code.startsWith('processing_')) throw error;
			notes.push(`Only words were looked for, not meanings: ${message}`);
			return null;
		}
	};

	/** A model knows no "not" and no "exactly". */
	const allowed = async (hits: Hit[], { terms, excluded }: SearchQuery): Promise<Hit[]> => {
		const ids = hits.map(({ entryId }) => entryId);
		const bad = await holding(db, ids, excluded);
		let left = hits.filter(({ entryId }) => !bad.has(entryId));
		for (const term of terms.filter(({ required }) => required)) {
			const good = await holding(db, left.map(({ entryId }) => entryId), [term]);
			left = left.filter(({ entryId }) => good.has(entryId));
		}
		return left;
	};

	/** The asset as a whole counts: a frame holds no words, and is like another one all the same. */
	const allowedAssets = async (workspaceId: string, hits: Hit[], { terms, excluded }: SearchQuery): Promise<Hit[]> => {
		const ids = [...new Set(hits.map(({ assetId }) => assetId))];
		const bad = await assetsHolding(db, workspaceId, ids, excluded);
		let left = hits.filter(({ assetId }) => !bad.has(assetId));
		for (const term of terms.filter(({ required }) => required)) {
			const good = await assetsHolding(db, workspaceId, ids, [term]);
			left = left.filter(({ assetId }) => good.has(assetId));
		}
		return left;
	};

	const bySimilarity = async (seen: Database, scope: SearchScope, assetId: string, query: SearchQuery, notes: string[]): Promise<Ranking[]> => {
		if (!(await findAsset(seen, scope.workspaceId, assetId))) throw new PipelineError('not_found', `similar_to: there is no asset ${assetId} in this workspace.`);
		if (!(await hasVectors(db))) {
			notes.push('Similar assets cannot be found: this database has no pgvector.');
			return [];
		}
		const means = await meanVectors(db, scope.workspaceId, assetId);
		if (means.length === 0) notes.push(`Similar assets cannot be found: there are no vectors of asset ${assetId}. Run index_asset on it.`);
		const rankings: Ranking[] = [];
		for (const mean of means) {
			const hits = (await nearest(db, { ...scope, except: assetId }, mean, CANDIDATES)).filter(({ score }) => score >= LEAST_COSINE);
			rankings.push({ method: 'similar', hits: await allowedAssets(scope.workspaceId, hits, query) });
		}
		return rankings;
	};

	return {
		async search(workspaceId, { q = '', similarTo, limit, offset, type, tags, from, to }, signal, seen = db) {
			const scope: SearchScope = { workspaceId, type, from, to, tags: tags?.map(plainTag), except: similarTo };
			const query = parseQuery(q.slice(0, MAX_QUERY));
			const notes: string[] = [];
			const usage: Record<string, number> = {};
			const rankings: Ranking[] = [];
			if (similarTo !== undefined) rankings.push(...(await bySimilarity(seen, scope, similarTo, query, notes)));
			if (q.trim() !== '' && query.text === '' && similarTo === undefined) notes.push('Nothing to look for: words after a minus only leave out. Say what is to be found, too.');
			if (q.trim() !== '') {
				rankings.push({ method: 'words', hits: await matching(db, scope, query, CANDIDATES) });
				const meant = await byMeaning(scope, query, notes, usage, signal);
				if (meant) rankings.push(meant);
				if (!(await isIndexed(db, workspaceId))) notes.push('Nothing of this workspace has been indexed yet. Run index_asset on its assets first.');
			}
			const plain = q.trim() === '' && similarTo === undefined;
			const groups = plain ? (await newestAssets(seen, scope, limit, offset)).map(bare) : fuse(rankings).slice(offset, offset + limit);
			const found = await readFound(seen, workspaceId, groups.map(({ assetId }) => assetId));
			const results = groups.flatMap((group) => {
				const one = found.get(group.assetId);
				if (!one) return [];
				const { asset, tags: own, pictureKey } = one;
				const moments = group.moments.map((moment) => momentView(moment, query.terms));
				const [best] = moments;
				const picture = pictureKey ?? (asset.fileType === 'image' ? asset.storageKey : null);
				return [
					{
						asset_id: asset.id,
						file_type: asset.fileType,
						title: titleOf(asset),
						tags: own,
						duration_seconds: asset.durationSeconds,
						width: asset.width,
						height: asset.height,
						created_at: asset.createdAt.toISOString(),
						score: rounded(group.score),
						matched_by: group.methods,
						start_seconds: best?.start_seconds ?? null,
						end_seconds: best?.end_seconds ?? null,
						text: best?.text ?? '',
						moments,
						file_url: asset.storageKey && asset.facts ? fileUrl(asset.storageKey) : null,
						thumbnail_url: picture ? fileUrl(picture) : null,
					},
				];
			});
			return { results, methods: [...new Set(rankings.map(({ method }) => method))], notes, usage };
		},
	};
}

const bare = (assetId: string): FoundGroup => ({ assetId, score: 1, methods: [], moments: [] });

const rounded = (score: number): number => Math.round(score * 1000) / 1000;

function titleOf({ title, metadata }: Pick<AssetRow, 'title' | 'metadata'>): string {
	for (const name of [title, metadata['title'], metadata['file_name']]) if (typeof name === 'string' && name.trim() !== '') return searchText(name);
	return '';
}

const momentView = ({ hit, score, methods }: FoundMoment, terms: readonly SearchTerm[]): SearchMoment => ({
	kind: hit.kind,
	start_seconds: hit.startSeconds,
	end_seconds: hit.endSeconds,
	text: hit.text,
	marked: marked(hit.text, terms),
	score: rounded(score),
	matched_by: methods,
});

/** HTML: whatever stands in the text is shown, not interpreted. */
export function marked(text: string, terms: readonly SearchTerm[]): string {
	let html = '';
	let at = 0;
	for (const [from, to] of matchesIn(text, terms)) {
		html += `${escaped(text.slice(at, from))}<mark>${escaped(text.slice(from, to))}</mark>`;
		at = to;
	}
	return html + escaped(text.slice(at));
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
