import { index, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, ofWorkspace, time } from './columns.ts';
import { assets, workspaces } from './work.ts';

export type WebhookStatus = 'active' | 'disabled';

/** Who is told of events: an address of the workspace's own choice, until it is deleted or has failed for too long. */
export const webhooks = pgTable(
	'webhooks',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
		/** Encrypted: it may carry a token. */
		url: text('url').notNull(),
		/** Encrypted `whsec_…`: what is sent there is signed with. */
		secret: text('secret').notNull(),
		/** `post.published`, `post.*` (contract/events.ts). */
		eventTypes: text('event_types').array().notNull(),
		/** Only events of this asset; null: of all. */
		assetId: uuid('asset_id').references(() => assets.id, { onDelete: 'cascade' }),
		/** Whose it is, in the words of whoever registered it. */
		description: text('description').notNull().default(''),
		status: text('status').$type<WebhookStatus>().notNull().default('active'),
		/** Why and when it was disabled, in words for a person. */
		disabledReason: text('disabled_reason'),
		disabledAt: time('disabled_at'),
		/** Since when nothing has got through; null: the latest delivery did. */
		failingSince: time('failing_since'),
		/** Attempts in a row that failed. */
		failures: integer('failures').notNull().default(0),
		/** What the latest failure was, in words for a person. */
		lastFailure: text('last_failure'),
		/** While it fails, nothing is sent to it before this time. */
		retryAt: time('retry_at'),
		lastDeliveredAt: time('last_delivered_at'),
		createdAt: createdAt(),
	},
	(t) => [index('webhooks_workspace').on(t.workspaceId, t.status), index('webhooks_asset').on(t.assetId), ofWorkspace()],
);
