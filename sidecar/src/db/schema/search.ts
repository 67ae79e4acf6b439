import { sql } from 'drizzle-orm';
import { bigint, customType, doublePrecision, index, integer, jsonb, pgTable, primaryKey, real, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, ofWorkspace } from './columns.ts';
import { assets } from './work.ts';

/** Made by Postgres of a text. */
const searchWords = customType<{ data: string }>({ dataType: () => 'tsvector' });
/**
 * Thai, Lao, Burmese, Khmer, Chinese, Japanese: written without blanks, so that the parser of Postgres takes a sentence for one word, and a
 * Latin word in it for a part of that. They are looked for as pieces of the text (search-query.ts), what stands between them as words.
 */
const WITHOUT_BLANKS = sql.raw(
	String.raw`'[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+'`,
);

/** What can be found: a passage of a transcript, a frame, what an asset says of itself. */
export const searchEntries = pgTable(
	'search_entries',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		assetId: uuid('asset_id').notNull().references(() => assets.id, { onDelete: 'cascade' }),
		kind: text('kind').$type<'transcript' | 'frame' | 'metadata'>().notNull(),
		/** The moment; null for the asset as a whole. */
		startSeconds: doublePrecision('start_seconds'),
		endSeconds: doublePrecision('end_seconds'),
		text: text('text').notNull(),
		words: searchWords('words').notNull().generatedAlwaysAs(sql`to_tsvector('simple', regexp_replace("text", ${WITHOUT_BLANKS}, ' ', 'g'))`),
		/** ISO 639-1; null: unknown. */
		language: text('language'),
		createdAt: createdAt(),
	},
	(t) => [index('search_entries_asset').on(t.assetId), index('search_entries_workspace').on(t.workspaceId), index('search_entries_words').using('gin', t.words), ofWorkspace()],
);

/** Vectors of entries; an entry may have one per space (ai/embedder.ts). Indexed per space by pgvector, where it is there (db/search.ts). */
export const searchVectors = pgTable(
	'search_vectors',
	{
		entryId: uuid('entry_id').notNull().references(() => searchEntries.id, { onDelete: 'cascade' }),
		space: text('space').notNull(),
		workspaceId: text('workspace_id').notNull(),
		values: real('values').array().notNull(),
	},
	(t) => [primaryKey({ columns: [t.entryId, t.space] }), index('search_vectors_workspace').on(t.workspaceId, t.space), ofWorkspace()],
);

/** Words that describe an asset, from analysis, captions and people. */
export const assetTags = pgTable(
	'asset_tags',
	{
		assetId: uuid('asset_id').notNull().references(() => assets.id, { onDelete: 'cascade' }),
		/** As `plainTag` makes it (db/tags.ts). */
		tag: text('tag').notNull(),
		workspaceId: text('workspace_id').notNull(),
		source: text('source').$type<'analysis' | 'caption' | 'person'>().notNull(),
		/** 0 to 1 */
		score: real('score').notNull().default(1),
		createdAt: createdAt(),
	},
	(t) => [primaryKey({ columns: [t.assetId, t.tag] }), index('asset_tags_workspace').on(t.workspaceId, t.tag), ofWorkspace()],
);

/** What two assets are compared by to find copies. */
export const fingerprints = pgTable(
	'fingerprints',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		assetId: uuid('asset_id').notNull().references(() => assets.id, { onDelete: 'cascade' }),
		kind: text('kind').$type<'picture' | 'sound'>().notNull(),
		/** The moment of a frame; null for a still picture, and for sound. */
		atSeconds: doublePrecision('at_seconds'),
		/** Perceptual hash of a picture, 64 bits. */
		hash: bigint('hash', { mode: 'bigint' }),
		/** Chromaprint of a sound: 32 bits every eighth of a second. */
		sequence: integer('sequence').array(),
	},
	(t) => [
		index('fingerprints_workspace').on(t.workspaceId, t.kind),
		index('fingerprints_asset').on(t.assetId),
		// Copies of a sound share some of its numbers exactly: few of all sounds are read then.
		index('fingerprints_sequence').using('gin', t.sequence),
		ofWorkspace(),
	],
);

/** Corrections by people and agents (C9). Never changed, only added to; the latest one on a subject holds. */
export const feedback = pgTable(
	'feedback',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		assetId: uuid('asset_id').references(() => assets.id, { onDelete: 'cascade' }),
		kind: text('kind').$type<'word' | 'translation' | 'label' | 'caption'>().notNull(),
		data: jsonb('data').$type<Record<string, unknown>>().notNull(),
		createdAt: createdAt(),
	},
	(t) => [index('feedback_workspace').on(t.workspaceId, t.kind, t.createdAt), index('feedback_asset').on(t.assetId), ofWorkspace()],
);
