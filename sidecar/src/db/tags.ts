import { and, asc, desc, eq, sql } from 'drizzle-orm';
import type { Executor } from './database.ts';
import { assetTags } from './schema.ts';

export type TagSource = (typeof assetTags.$inferSelect)['source'];

export interface Tag {
	/** As `plainTag` makes it. */
	tag: string;
	source: TagSource;
	/** 0 to 1 */
	score: number;
}

/** Enough for a person to look through; models find hundreds of things with little certainty. */
export const MOST_TAGS = 200;
/** What somebody would still call a tag: letters as people see them, */
const LONGEST_TAG = 80;
/** and bytes: a letter may carry any number of marks, an entry of a B-tree in Postgres takes 2704 bytes. */
const MOST_BYTES = 2000;

type Tagged = { id: string; workspaceId: string };
type NewTag = Pick<Tag, 'tag' | 'source'> & { score?: number };

/**
 * Adds tags to an asset. What a person said stays as it is, and takes the place of what was found out; of two that were found
 * out the more certain one holds. Tags are brought into one form first: NFC, lower case, single blanks, without `#`.
 */
export async function mergeTags(db: Executor, { id, workspaceId }: Tagged, tags: readonly NewTag[]): Promise<void> {
	const rows = new Map<string, NewTag & { score: number }>();
	for (const { tag, source, score = 1 } of tags) {
		const plain = plainTag(tag);
		const before = rows.get(plain);
		// One statement must not touch a row twice.
		if (plain !== '' && (!before || rankOf(source, score) > rankOf(before.source, before.score)))
			rows.set(plain, { tag: plain, source, score: Math.min(1, Math.max(0, score)) });
	}
	if (rows.size === 0) return;
	const excluded = { source: sql`excluded.source`, score: sql`excluded.score` };
	await db
		.insert(assetTags)
		.values([...rows.values()].slice(0, MOST_TAGS).map((row) => ({ assetId: id, workspaceId, ...row })))
		.onConflictDoUpdate({
			target: [assetTags.assetId, assetTags.tag],
			set: excluded,
			setWhere: sql`excluded.source = 'person' or (${assetTags.source} <> 'person' and excluded.score >= ${assetTags.score})`,
		});
}

const rankOf = (source: TagSource, score: number): number => (source === 'person' ? 2 : score);

/** What one source says of an asset now: its earlier tags are taken away. */
export async function replaceTags(
	db: Executor,
	asset: Tagged,
	source: TagSource,
	tags: ReadonlyArray<Omit<NewTag, 'source'>>,
): Promise<void> {
	// All of them: one that it is less sure of now must not keep its score of before.
	await db.delete(assetTags).where(and(eq(assetTags.assetId, asset.id), eq(assetTags.source, source)));
	await mergeTags(
		db,
		asset,
		tags.map((tag) => ({ ...tag, source })),
	);
}

/** Most certain first; those of people before all others. */
export async function listTags(db: Executor, assetId: string): Promise<Tag[]> {
	return db
		.select({ tag: assetTags.tag, source: assetTags.source, score: assetTags.score })
		.from(assetTags)
		.where(eq(assetTags.assetId, assetId))
		.orderBy(desc(sql`${assetTags.source} = 'person'`), desc(assetTags.score), asc(assetTags.tag))
		.limit(MOST_TAGS);
}

export async function removeTag(db: Executor, assetId: string, tag: string): Promise<void> {
	await db.delete(assetTags).where(and(eq(assetTags.assetId, assetId), eq(assetTags.tag, plainTag(tag))));
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** `  #Grüner   Tee ` → `grüner tee`. Empty when nothing is left. */
export function plainTag(tag: string): string {
	// Controls and direction overrides change how the text around them is shown; what has no width makes two tags of one. (Joiners
	// stay: emoji, Persian and Indian scripts need them.)
	const plain = tag
		.normalize('NFC')
		.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ' ')
		.replace(/[\u00ad\u200b\u2060\ufeff]/gu, '')
		.replace(/\s+/gu, ' ')
		.replace(/^[\s#]+/u, '')
		.trim()
		.toLowerCase();
	let short = '';
	for (const { segment } of [...graphemes.segment(plain)].slice(0, LONGEST_TAG)) {
		if (Buffer.byteLength(short + segment) > MOST_BYTES) break;
		short += segment;
	}
	return short.trim();
}
