import { sql } from 'drizzle-orm';
import { bigint, bigserial, index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, ofWorkspace, time } from './columns.ts';
import { webhooks } from './webhooks.ts';
import { assets, batches } from './work.ts';

export type CallbackStatus = 'pending' | 'delivered' | 'dead' | 'obsolete';

/** The outbox. Bodies are rendered from the database when they are sent, so that signed URLs in them are fresh. */
export const callbacks = pgTable(
	'callbacks',
	{
		/** Also the `webhook-id`, the same on every try; of an event it is made of the id of that (callbacks/webhooks.ts). */
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		/** batch: body of a batch; job: body of one job (P4); process and distribute: the n8n webhooks; asset: the asset has been processed; event: something happened that a registered webhook asks for. */
		kind: text('kind').$type<'batch' | 'job' | 'process' | 'distribute' | 'asset' | 'event'>().notNull(),
		batchId: uuid('batch_id').references(() => batches.id),
		assetId: uuid('asset_id').references(() => assets.id),
		webhookId: uuid('webhook_id').references(() => webhooks.id, { onDelete: 'cascade' }),
		eventId: bigint('event_id', { mode: 'number' }),
		/** What the caller wants passed on to n8n's distribute workflow. */
		payload: jsonb('payload').$type<Record<string, unknown>>().notNull().default({}),
		/** Encrypted. Empty for an event: its webhook has it. */
		url: text('url').notNull(),
		urlHash: text('url_hash').notNull(),
		status: text('status').$type<CallbackStatus>().notNull().default('pending'),
		attempts: integer('attempts').notNull().default(0),
		nextAt: time('next_at').notNull().defaultNow(),
		leaseUntil: time('lease_until'),
		lastHttpStatus: integer('last_http_status'),
		/** Why it was retried or given up, in words for a person. */
		reason: text('reason'),
		createdAt: createdAt(),
		endedAt: time('ended_at'),
	},
	(t) => [
		// Results and events apart: a webhook that fails for days has many that wait, and claiming must not read past them.
		index('callbacks_due').on(t.nextAt).where(sql`status = 'pending' and kind <> 'event'`),
		index('callbacks_event_due').on(t.webhookId, t.nextAt).where(sql`status = 'pending' and kind = 'event'`),
		index('callbacks_url').on(t.urlHash, t.status),
		index('callbacks_webhook').on(t.webhookId, t.status).where(sql`webhook_id is not null`),
		ofWorkspace(),
	],
);

/** What happened, for SSE and for the history of an asset. */
export const events = pgTable(
	'events',
	{
		id: bigserial('id', { mode: 'number' }).primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		/** job.progress, job.completed, job.failed, asset.ready, post.published … */
		type: text('type').notNull(),
		assetId: uuid('asset_id'),
		jobId: uuid('job_id'),
		data: jsonb('data').$type<Record<string, unknown>>().notNull(),
		createdAt: createdAt(),
	},
	(t) => [index('events_workspace').on(t.workspaceId, t.id), index('events_asset').on(t.assetId, t.id), ofWorkspace()],
);
