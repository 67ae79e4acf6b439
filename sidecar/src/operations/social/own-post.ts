import { z } from 'zod';
import type { PostLedger, PostRow } from '../../db/posts.ts';
import { PipelineError } from '../../errors.ts';
import { createAccountRun, type RunDependencies } from '../../social/account-run.ts';
import { explain } from '../../social/explain.ts';
import type { Account, AccountRun, Platform } from '../../social/platform.ts';
import type { TaskContext } from '../operation.ts';
import { readCredentials, readSettings } from './account.ts';

/** What operations on a post that exists have in common. */

export const postFields = {
	post_id: z.uuid().describe('The post: `post.id` of the answer of `publish`, or `id` in GET /api/media/posts.'),
	settings: z.record(z.string(), z.unknown()).optional().describe('What only this platform has, e.g. which page. As for `publish`.'),
};

export interface OwnPostDeps {
	platforms: readonly Platform[];
	run: RunDependencies;
	find(id: string): Promise<PostRow | null>;
}

type Look = NonNullable<Platform['look']>;

/** Asks what has become of a post that exists, and writes it down. `reason`: why it is gone. */
export async function lookAt(ledger: PostLedger, look: Look, run: AccountRun, row: PostRow): Promise<{ row: PostRow; reason?: string }> {
	const { id, externalPostId, permalink, text, status, scheduledFor } = row;
	if (externalPostId === null) throw new Error('a post that does not exist was to be looked at');
	const seen = await look(run, externalPostId, { text, scheduledFor: status === 'scheduled' ? scheduledFor : null });
	if (seen.state === 'gone') return { row: (await ledger.markDeleted(id)) ?? row, reason: seen.reason };
	const stored = await ledger.refresh(id, { status: seen.state, externalPostId: seen.remoteId, permalink: seen.permalink ?? permalink, warnings: seen.warnings ?? [] });
	return { row: stored ?? row };
}

/** The post of this workspace, and its platform. Throws `not_found`. */
export async function findOwnPost({ platforms, find }: OwnPostDeps, { workspaceId }: Pick<TaskContext, 'workspaceId'>, id: string): Promise<{ row: PostRow; platform: Platform }> {
	const row = await find(id);
	if (row?.workspaceId !== workspaceId) throw new PipelineError('not_found', `params.post_id: there is no post ${id} in this workspace.`, { details: { field: 'params.post_id' } });
	const platform = platforms.find(({ name }) => name === row.platform);
	if (!platform) throw new PipelineError('invalid_request', `params.post_id: post ${id} is on ${row.platform}, which this sidecar does not speak to.`, { details: { field: 'params.post_id' } });
	return { row, platform };
}

/** Acts as the account of the request. Throws `invalid_request` where the post belongs to another one. */
export async function actAs<T>(deps: OwnPostDeps, context: TaskContext, platform: Platform, settings: Record<string, unknown> | undefined, row: PostRow | null, work: (run: AccountRun) => Promise<T>): Promise<T> {
	let account: Account | null = null;
	const credentials = readCredentials(context.secrets, platform);
	// A token may reach several accounts: the post knows which one it is of.
	const chosen = row && row.accountId !== '' ? { ...platform.settingsOf?.(row.accountId), ...settings } : settings;
	const run = createAccountRun(deps.run, { platform, credentials, settings: readSettings(chosen, platform), signal: context.signal, log: context.log }, () => account);
	try {
		account = await platform.identify(run);
		if (row && account && row.accountId !== '' && row.accountId !== account.id) {
			throw new PipelineError('invalid_request', `The post was made by ${row.account} on ${platform.title}, but the credential belongs to ${account.name}. Choose the credential of ${row.account}.`, {
				details: { field: 'secrets.access_token' },
			});
		}
		return await work(run);
	} catch (error) {
		if (error instanceof PipelineError) throw error;
		throw explain(error, { platform, postId: row?.id ?? null, open: false, reading: true, signal: context.signal, now: run.now() }).error;
	}
}
