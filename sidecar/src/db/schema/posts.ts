import { index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { PublicError } from '../../errors.ts';
import { createdAt, time } from './columns.ts';
import { assets, jobs, workspaces } from './work.ts';

export type PostStatus = 'pending' | 'processing' | 'scheduled' | 'published' | 'failed' | 'unknown' | 'needs_reauth';

/** Posts, and at the same time the ledger of publishing (platforms.md section 0). One row per logical post. */
export const posts = pgTable(
	'posts',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
		assetId: uuid('asset_id').references(() => assets.id),
		jobId: uuid('job_id').references(() => jobs.id),
		platform: text('platform').notNull(),
		/** The account as the platform names it; empty until known. */
		account: text('account').notNull().default(''),
		/** The same logical post has the same key however often it is submitted: hash of workspace, job or idempotency key, platform, text, media. */
		operationKey: text('operation_key').notNull(),
		status: text('status').$type<PostStatus>().notNull(),
		text: text('text').notNull().default(''),
		/** Opaque state of the platform's steps (ids of uploads, byte offsets). Encrypted: upload handles are bearer-like. */
		state: text('state'),
		/** Set before the first call that can make the post public; stays set. */
		armedAt: time('armed_at'),
		/** Since when the outcome of such a call is not known. Set before the call, null again once the platform has answered. */
		openSince: time('open_since'),
		/** How often such a call was begun, without those that the platform refused. */
		finishAttempts: integer('finish_attempts').notNull().default(0),
		/** Who works on it, until when: writes need the same value, so a process that lost the claim changes nothing. */
		claim: uuid('claim'),
		leaseUntil: time('lease_until'),
		externalPostId: text('external_post_id'),
		permalink: text('permalink'),
		/** When the platform itself is to publish it. */
		scheduledFor: time('scheduled_for'),
		error: jsonb('error').$type<PublicError>(),
		createdAt: createdAt(),
		publishedAt: time('published_at'),
		updatedAt: time('updated_at').notNull().defaultNow(),
	},
	(t) => [uniqueIndex('posts_operation_key').on(t.workspaceId, t.operationKey), index('posts_asset').on(t.assetId)],
);
