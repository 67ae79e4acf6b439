import { index, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, ofWorkspace, time } from './columns.ts';
import { workspaces } from './work.ts';

/** Files of the watched folder that were taken, each version once: of several sidecars that look at one folder, one can insert the row. */
export const watchedFiles = pgTable(
	'watched_files',
	{
		workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
		/** Below WATCH_DIR, with /. */
		path: text('path').notNull(),
		/** Size and time of the last change. */
		version: text('version').notNull(),
		/** No foreign key: the asset may be deleted, and the file must not be taken again. */
		assetId: uuid('asset_id').notNull(),
		/** Its asset is gone, and it stays where it is; null: to be moved when its work has ended, where WATCH_MOVE is on. */
		settledAt: time('settled_at'),
		createdAt: createdAt(),
	},
	(t) => [primaryKey({ columns: [t.workspaceId, t.path, t.version] }), index('watched_files_open').on(t.workspaceId, t.settledAt), ofWorkspace()],
);
