import { isDeepStrictEqual } from 'node:util';
import { and, desc, eq, sql, type SQL } from 'drizzle-orm';
import type { Executor } from './database.ts';
import { feedback } from './schema.ts';
import { plainTag } from './tags.ts';

/** A word that was heard or written wrong. `language` (ISO 639-1): where it holds; absent: everywhere. */
export interface WordCorrection {
	kind: 'word';
	wrong: string;
	right: string;
	language?: string | undefined;
}
/** How a word or phrase is to be translated into `language` (ISO 639-1). */
export interface TranslationCorrection {
	kind: 'translation';
	from: string;
	to: string;
	language: string;
}
/** A label that fits, or does not. */
export interface LabelCorrection {
	kind: 'label';
	/** As `plainTag` makes it. */
	label: string;
	action: 'add' | 'remove';
}
/** A post text that somebody chose, or wrote out of a proposed one. */
export interface CaptionChoice {
	kind: 'caption';
	platform: string;
	text: string;
	action: 'chosen' | 'edited';
	/** The proposal that it comes from. */
	job_id?: string | undefined;
	variant?: number | undefined;
}
export type Correction = WordCorrection | TranslationCorrection | LabelCorrection | CaptionChoice;
type Kind = Correction['kind'];

export interface StoredFeedback<K extends Kind = Kind> {
	id: string;
	assetId: string | null;
	createdAt: Date;
	correction: Extract<Correction, { kind: K }>;
}

/** Corrections that are looked at; beyond this many, the oldest ones no longer count (a prompt takes far fewer). */
const MOST_READ = 2000;
/** Texts of posts have up to 10 kB; a prompt shows three of a platform. */
const MOST_CAPTIONS_READ = 100;

/** `same`: it is there already under this id (a UUID). `other`: something else is. */
export async function addFeedback(
	db: Executor,
	{ id, workspaceId, assetId, correction }: { id: string; workspaceId: string; assetId: string | null; correction: Correction },
): Promise<'added' | 'same' | 'other'> {
	const { kind, ...fields } = correction;
	const data = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
	const rows = await db
		.insert(feedback)
		.values({ id, workspaceId, assetId, kind, data })
		.onConflictDoNothing()
		.returning({ id: feedback.id });
	if (rows.length > 0) return 'added';
	const [before] = await db.select().from(feedback).where(eq(feedback.id, id));
	const same = before?.workspaceId === workspaceId && before.assetId === assetId && before.kind === kind && isDeepStrictEqual(comparable(before.data), comparable(data));
	return same ? 'same' : 'other';
}

/** Labels are compared as tags are stored; earlier ones were stored as they were written. */
const comparable = (data: Record<string, unknown>): Record<string, unknown> => (typeof data['label'] === 'string' ? { ...data, label: plainTag(data['label']) } : data);

/** What people said of one asset, latest first. */
export async function feedbackOf(db: Executor, workspaceId: string, assetId: string, most: number): Promise<StoredFeedback[]> {
	const rows = await db
		.select()
		.from(feedback)
		.where(and(eq(feedback.workspaceId, workspaceId), eq(feedback.assetId, assetId)))
		.orderBy(desc(feedback.createdAt), desc(feedback.id))
		.limit(most);
	return rows.map(({ id, kind, data, createdAt }) => ({ id, assetId, createdAt, correction: { ...data, kind } as Correction }));
}

/** Labels (as `plainTag` makes them) that people took from this asset and did not give back: models must not bring them again. */
export async function labelsTakenAway(db: Executor, workspaceId: string, assetId: string): Promise<Set<string>> {
	const all = (await latest(db, workspaceId, 'label', { assetId })).map(({ correction }) => correction);
	const last = firstOfEach(all, ({ label }) => plainTag(label));
	return new Set(last.filter(({ action }) => action === 'remove').map(({ label }) => plainTag(label)));
}

/** Latest first. */
async function latest<K extends Kind>(
	db: Executor,
	workspaceId: string,
	kind: K,
	{ assetId, where, most = MOST_READ }: { assetId?: string; where?: SQL | undefined; most?: number } = {},
): Promise<Array<StoredFeedback<K>>> {
	const rows = await db
		.select({ id: feedback.id, assetId: feedback.assetId, createdAt: feedback.createdAt, data: feedback.data })
		.from(feedback)
		.where(and(eq(feedback.workspaceId, workspaceId), eq(feedback.kind, kind), assetId ? eq(feedback.assetId, assetId) : undefined, where))
		.orderBy(desc(feedback.createdAt), desc(feedback.id))
		.limit(most);
	return rows.map(({ data, ...row }) => ({ ...row, correction: { ...data, kind } as Extract<Correction, { kind: K }> }));
}

/** The first of each key, in order. */
function firstOfEach<T>(list: readonly T[], key: (entry: T) => string): T[] {
	const seen = new Map<string, T>();
	for (const entry of list) if (!seen.has(key(entry))) seen.set(key(entry), entry);
	return [...seen.values()];
}

const folded = (text: string) => text.normalize('NFC').toLowerCase();

/**
 * Words and names that people put right, the latest on each word, newest first: what a transcription prompt should spell as
 * `right`. `language` (ISO 639-1): without those that hold in another language only. An entry of equal sides takes an earlier one back.
 */
export async function wordsOf(
	db: Executor,
	workspaceId: string,
	{ language }: { language?: string | undefined } = {},
): Promise<Array<{ wrong: string; right: string }>> {
	const all = (await latest(db, workspaceId, 'word')).map(({ correction }) => correction);
	const fitting = all.filter((word) => !word.language || !language || word.language === language);
	const standing = language ? firstOfEach(fitting, ({ wrong }) => folded(wrong)) : notSuperseded(fitting);
	return firstOfEach(
		standing.filter(({ wrong, right }) => wrong !== right),
		({ wrong }) => folded(wrong),
	).map(({ wrong, right }) => ({ wrong, right }));
}

/** Latest first: one for all languages ends what was said before of its word, one for a language only what was said for that. */
function notSuperseded(words: readonly WordCorrection[]): WordCorrection[] {
	const said = new Set<string>();
	return words.filter(({ wrong, language = '' }) => {
		const [everywhere, here] = [`${folded(wrong)}\n`, `${folded(wrong)}\n${language}`];
		if (said.has(everywhere) || said.has(here)) return false;
		said.add(here);
		return true;
	});
}

/**
 * How words are to be translated into `language` (ISO 639-1; absent: into any), the latest on each, newest first. Names among
 * the word corrections stay as they are in every language: they come with both their sides equal, and in place of what was
 * heard wrong.
 */
export async function glossaryOf(
	db: Executor,
	workspaceId: string,
	{ language }: { language?: string | undefined } = {},
): Promise<Array<{ from: string; to: string }>> {
	const into = language ? sql`${feedback.data} ->> 'language' = ${language}` : undefined;
	const translations = (await latest(db, workspaceId, 'translation', { where: into })).map(({ correction }) => correction);
	const names = (await wordsOf(db, workspaceId)).filter(({ right }) => isName(right));
	const all = [
		...translations.map(({ from, to }) => ({ from, to })),
		...names.flatMap(({ wrong, right }) => [
			{ from: right, to: right },
			{ from: wrong, to: right },
		]),
	];
	return firstOfEach(all, ({ from }) => folded(from));
}

/** A capital or a digit: `n8n`, `Kubernetes`. Other words ("their") are translated like any word once they are right. */
const isName = (text: string) => /[\p{Lu}\p{N}]/u.test(text);

/**
 * Per label (as `plainTag` makes it) how many assets people gave it to, less those they took it from; the latest word on each asset
 * counts. Never 0.
 */
export async function labelBoosts(db: Executor, workspaceId: string): Promise<Map<string, number>> {
	const all = await latest(db, workspaceId, 'label');
	const boosts = new Map<string, number>();
	for (const { correction } of firstOfEach(all, ({ assetId, correction: { label } }) => `${assetId} ${plainTag(label)}`)) {
		const label = plainTag(correction.label);
		boosts.set(label, (boosts.get(label) ?? 0) + (correction.action === 'add' ? 1 : -1));
	}
	for (const [label, boost] of boosts) if (boost === 0) boosts.delete(label);
	return boosts;
}

export interface CaptionExample {
	platform: string;
	text: string;
	action: 'chosen' | 'edited';
}

/** Post texts that people chose or edited, each once, newest first; edited ones before chosen ones: they say more. */
export async function captionExamples(
	db: Executor,
	workspaceId: string,
	{ platform, most }: { platform?: string | undefined; most: number },
): Promise<CaptionExample[]> {
	const posted = platform ? sql`${feedback.data} ->> 'platform' = ${platform}` : undefined;
	const all = (await latest(db, workspaceId, 'caption', { where: posted, most: MOST_CAPTIONS_READ })).map(({ correction }) => correction);
	const each = firstOfEach(all, (entry) => `${entry.platform} ${entry.text}`);
	return [...each.filter(({ action }) => action === 'edited'), ...each.filter(({ action }) => action === 'chosen')]
		.slice(0, most)
		.map((entry) => ({ platform: entry.platform, text: entry.text, action: entry.action }));
}
