import { createHash, randomUUID } from 'node:crypto';
import type { PostLedger, PostRow } from '../db/posts.ts';
import type { Vault } from '../secrets.ts';
import { pause, type AccountRequest, type RunDependencies } from './account-run.ts';
import { explain } from './explain.ts';
import type { Account, Post } from './platform.ts';
import { ClaimLost, Publication } from './publication.ts';

/** The row of a post that exists on the platform. */
export type PublishedPost = PostRow;

export interface PublishDependencies extends RunDependencies {
	ledger: PostLedger;
	/** Seals the state of the steps: handles of uploads are as good as tokens. */
	vault: Vault;
	/** How long a claim outlives its process. Default 90: longer than a publishing call may take (60), with margin for clocks. */
	leaseSeconds?: number;
}

/** A further post of a thread, or a comment. */
export interface Following {
	/** Row and key of the first post. */
	parentId: string;
	parentKey: string;
	/** 1 for the first one that follows. */
	position: number;
}

export interface PublishRequest extends AccountRequest {
	post: Post;
	workspaceId: string;
	assetId: string | null;
	/** Null: no job asked for it; then `idempotencyKey` is needed. */
	jobId: string | null;
	/** The caller's own name of this logical post; else the job is the post. */
	idempotencyKey: string | null;
	/** As it was found out already. Default: it is asked. */
	account?: Account | null;
	/** What was asked for, where `post` has been changed to fit the platform: changed or not, it is the same post. Default: `post`. */
	asked?: Pick<Post, 'text' | 'media'> | undefined;
	following?: Following;
	/** The experiment that the post is part of, and which of its variants. */
	experiment?: { name: string; variant: string } | null;
	/** Throws where it must not be published any more: asked right before each publishing call. */
	confirm?(): Promise<void>;
	progress?: (percent: number) => void;
}

type Identity = Pick<PublishRequest, 'platform' | 'post' | 'asked' | 'credentials' | 'workspaceId' | 'jobId' | 'idempotencyKey' | 'following'>;

/** The same logical post has the same key, however often and by whichever process it is submitted. */
export function operationKey({ platform, post, asked = post, credentials, workspaceId, jobId, idempotencyKey, following }: Identity): string {
	if (following) return hash(['follows', following.parentKey, following.position]);
	if (idempotencyKey === null) {
		if (jobId === null) throw new Error('a post needs a job or an idempotency key');
		// A job is one post, whichever file of its asset it finds at its next try.
		return hash([workspaceId, ['job', jobId], platform.name]);
	}
	return hash([
		workspaceId,
		['key', idempotencyKey],
		platform.name,
		credentials.baseUrl === null ? null : new URL(credentials.baseUrl).host,
		asked.text,
		asked.media.map((media) => media.sha256),
	]);
}

const hash = (parts: unknown[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

const CLAIM_POLL_MS = 500;

/**
 * Publishes a post at most once, whatever happens on the way: start → check → finish → after, every step durable before the
 * next one. Called again after a crash, in another process, or for the same logical post, it continues where the ledger says.
 * Answers the row of a published or scheduled post; throws a PipelineError otherwise, with `details.post_id`.
 */
export async function publishPost(deps: PublishDependencies, request: PublishRequest): Promise<PublishedPost> {
	const { ledger, leaseSeconds = 90 } = deps;
	const sleep = deps.sleep ?? pause;
	const { platform, post, signal } = request;
	// Of a job that found other files at this try it is the same post all the same, also with a key of its own.
	const begun = request.following || request.jobId === null ? null : await ledger.ofJob(request.jobId);
	let row = begun ?? (await ledger.findOrCreate({
		id: randomUUID(),
		workspaceId: request.workspaceId,
		assetId: request.assetId,
		jobId: request.jobId,
		platform: platform.name,
		operationKey: operationKey(request),
		text: post.text,
		scheduledFor: post.scheduledAt,
		parentId: request.following?.parentId ?? null,
		position: request.following?.position ?? 0,
		experiment: request.experiment?.name ?? null,
		variant: request.experiment?.variant ?? null,
	}));
	while (!isDone(row)) {
		signal.throwIfAborted();
		const claim = randomUUID();
		const claimed = await ledger.claim(row.id, claim, leaseSeconds);
		if (claimed) {
			const done = await work(deps, request, claimed, claim);
			if (done) return done;
		} else {
			await sleep(CLAIM_POLL_MS, signal);
		}
		row = (await ledger.find(row.id)) ?? row;
	}
	return row;
}

/** Works on a claimed row to its end. Null: the claim was lost, look again. */
async function work(deps: PublishDependencies, request: PublishRequest, row: PostRow, claim: string): Promise<PostRow | null> {
	const { ledger, leaseSeconds = 90 } = deps;
	const { log } = request;
	// A long upload or wait must not let the claim run out. A lost claim shows at the next write.
	const beat = setInterval(() => void ledger.renew(row.id, claim, leaseSeconds).catch(() => {}), (leaseSeconds * 1000) / 3);
	beat.unref();
	const publication = new Publication(deps, request, row, claim);
	try {
		return await publication.run();
	} catch (error) {
		if (error instanceof ClaimLost) {
			log.warn({ post: row.id }, 'another process has taken over this post');
			return null;
		}
		const explained = explain(error, { platform: request.platform, postId: row.id, open: publication.open, out: publication.out, signal: request.signal, now: deps.now?.() ?? new Date() });
		const end = { status: explained.status, error: explained.error.toPublic() };
		await ledger.settle(row.id, claim, end).catch((cause: unknown) => log.error({ post: row.id, err: cause }, 'the end of a post could not be stored'));
		throw explained.error;
	} finally {
		clearInterval(beat);
	}
}

/** It exists, and nothing is to be added to it; or it was deleted. */
export const isDone = (row: PostRow): boolean => row.externalPostId !== null && (row.state === null || row.status === 'deleted');
