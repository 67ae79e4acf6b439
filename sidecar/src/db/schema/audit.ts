import { bigserial, index, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, ofWorkspace } from './columns.ts';

/** Every call that changes or reads media: who, what, when, how it ended. Rows are added, never changed. */
export const auditLog = pgTable(
	'audit_log',
	{
		id: bigserial('id', { mode: 'number' }).primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		/** Null: a signed link was the permission. */
		apiKeyId: uuid('api_key_id'),
		/** Name of the key at that time, or what the link was for. */
		actor: text('actor').notNull(),
		/** `POST /api/media/process` */
		action: text('action').notNull(),
		/** What it was about: an asset, a job, a storage key. */
		target: text('target'),
		/** HTTP status. */
		status: integer('status').notNull(),
		/** Error code; null: it succeeded. */
		code: text('code'),
		requestId: text('request_id').notNull(),
		/** Address of the caller. */
		address: text('address'),
		createdAt: createdAt(),
	},
	(t) => [index('audit_log_workspace').on(t.workspaceId, t.id), index('audit_log_created').on(t.createdAt), ofWorkspace()],
);
