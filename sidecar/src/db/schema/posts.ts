import { bigint, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { POST_STATUSES, type PostStatus } from '../../contract/post-statuses.ts';
import type { PublicError } from '../../errors.ts';
import { createdAt, ofWorkspace, time } from './columns.ts';
import { assets, jobs, workspaces } from './work.ts';

export { POST_STATUSES, type PostStatus };

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
		/** Its id there. */
		accountId: text('account_id').notNull().default(''),
		/** The first post of the thread that this one belongs to, or the one that it comments; and its place there, from 1. */
		parentId: uuid('parent_id'),
		position: integer('position').notNull().default(0),
		/** Posts that are compared with each other, and which variant this one is. */
		experiment: text('experiment'),
		variant: text('variant'),
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
		/** What the user should know although the post is out. Null: nothing. */
		warnings: jsonb('warnings').$type<string[]>(),
		/** When its numbers were read last, and when they are worth reading again. Null: not yet, and never. */
		measuredAt: time('measured_at'),
		measureAt: time('measure_at'),
		deletedAt: time('deleted_at'),
		createdAt: createdAt(),
		publishedAt: time('published_at'),
		updatedAt: time('updated_at').notNull().defaultNow(),
	},
	(t) => [uniqueIndex('posts_operation_key').on(t.workspaceId, t.operationKey), index('posts_asset').on(t.assetId), index('posts_parent').on(t.parentId), index('posts_recent').on(t.workspaceId, t.createdAt), ofWorkspace()],
);

/** Numbers of a post at a time, as the platform gave them. Null: it gives none. */
export const engagement = pgTable(
	'engagement',
	{
		postId: uuid('post_id').notNull().references(() => posts.id, { onDelete: 'cascade' }),
		at: time('at').notNull(),
		views: bigint('views', { mode: 'number' }),
		likes: bigint('likes', { mode: 'number' }),
		comments: bigint('comments', { mode: 'number' }),
		shares: bigint('shares', { mode: 'number' }),
		saves: bigint('saves', { mode: 'number' }),
		clicks: bigint('clicks', { mode: 'number' }),
	},
	(t) => [primaryKey({ columns: [t.postId, t.at] }), ofWorkspace('exists (select 1 from posts where posts.id = post_id)')],
);

/** How much of an account's rate limits is used, for all workers together. One row per account and kind of calls. */
export const platformPace = pgTable('platform_pace', {
	key: text('key').primaryKey(),
	/** Calls begun in the window that ends at `resets_at`. */
	used: integer('used').notNull(),
	/** Callers who were sent away since the window began: each is told the window in which its turn will be. */
	waiting: integer('waiting').notNull().default(0),
	/** Null: not known yet. */
	limit: integer('limit'),
	windowSeconds: integer('window_seconds'),
	resetsAt: time('resets_at'),
	/** The platform has refused a call: nobody calls before. */
	blockedUntil: time('blocked_until'),
});
