import { bigint, boolean, index, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, ofWorkspace, time } from './columns.ts';
import { assets, workspaces } from './work.ts';

/** What was signed for an asset that is uploaded, and how far it has come. Kept until its links have expired. */
export const uploads = pgTable(
	'uploads',
	{
		assetId: uuid('asset_id').primaryKey().references(() => assets.id, { onDelete: 'cascade' }),
		workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
		protocol: text('protocol').$type<'put' | 'tus' | 'multipart'>().notNull(),
		/** The store takes the bytes itself. */
		direct: boolean('direct').notNull().default(false),
		/** Exactly so many are expected. */
		bytes: bigint('bytes', { mode: 'number' }).notNull(),
		mime: text('mime').notNull(),
		/** Hex; null: the caller named none. */
		sha256: text('sha256'),
		/** The upload that was begun last with the tus protocol. */
		tusId: text('tus_id'),
		/** Where the store takes the bytes; of the tus protocol: where they are moved when all have come (set before that begins). */
		stagedKey: text('staged_key'),
		/** Of an upload in parts, as the store calls it. */
		uploadId: text('upload_id'),
		/** What happens when the bytes are there already; null: the new asset shares them. */
		dedupe: text('dedupe').$type<'link' | 'copy'>(),
		/** Must be scanned for viruses, also where the settings of the workspace do not ask for it. */
		scan: boolean('scan').notNull().default(false),
		arrivedAt: time('arrived_at'),
		expiresAt: time('expires_at').notNull(),
		createdAt: createdAt(),
	},
	(t) => [index('uploads_workspace').on(t.workspaceId, t.expiresAt), index('uploads_expires').on(t.expiresAt), ofWorkspace()],
);
