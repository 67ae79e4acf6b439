import { createHash, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { PostLedger, PostRow } from '../db/posts.ts';
import { PipelineError } from '../errors.ts';
import type { Vault } from '../secrets.ts';
import { backoffMs, throttleSeconds, TRIES } from './call.ts';
import { explain } from './explain.ts';
import { HttpFailure } from './outcome.ts';
import type { Account, Arming, Credentials, FinishResult, Platform, PlatformRun, Post, PostState, Published, Restart, Scheduled } from './platform.ts';
import { findProblems } from './validate.ts';

/** The row of a post that exists on the platform. */
export type PublishedPost = PostRow;

export interface PublishDependencies {
	ledger: PostLedger;
	/** Seals the state of the steps: handles of uploads are as good as tokens. */
	vault: Vault;
	now?: () => Date;
	/** Waits, or throws the signal's reason. */
	sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
	/** 0 to 1, for the jitter of pauses. */
	random?: () => number;
	/** How long a claim outlives its process. Default 90: longer than a publishing call may take (30), with margin for clocks. */
	leaseSeconds?: number;
	/** Longest wait for a throttled call inside one run; longer: the job is put back. Default 60. */
	maxWaitSeconds?: number;
}

export interface PublishRequest {
	platform: Platform;
	post: Post;
	credentials: Credentials;
	workspaceId: string;
	assetId: string | null;
	/** Null: no job asked for it; then `idempotencyKey` is needed. */
	jobId: string | null;
	/** The caller's own name of this logical post; else the job is the post. */
	idempotencyKey: string | null;
	/** Throws where it must not be published any more: asked right before each publishing call. */
	confirm?(): Promise<void>;
	signal: AbortSignal;
	log: Logger;
	progress?: (percent: number) => void;
}

/** The same logical post has the same key, however often and by whichever process it is submitted. */
export function operationKey({ platform, post, credentials, workspaceId, jobId, idempotencyKey }: PublishRequest): string {
	if (idempotencyKey === null && jobId === null) throw new Error('a post needs a job or an idempotency key');
	const parts = [
		workspaceId,
		idempotencyKey === null ? ['job', jobId] : ['key', idempotencyKey],
		platform.name,
		credentials.baseUrl === null ? null : new URL(credentials.baseUrl).host,
		post.text,
		post.media.map((media) => media.sha256),
	];
	return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** platforms.md 13.1: peers check for about 30 minutes. */
const LONGEST_PROCESSING_SECONDS = 30 * 60;
/** A post whose outcome stays open is looked at this long before it is reported as unknown. */
const LONGEST_RECONCILING_SECONDS = 5 * 60;
/** How often a platform may say at the last step that the media is gone or not ready after all. */
const ROUNDS = 4;
const CLAIM_POLL_MS = 500;

/** What is sealed in the row's `state`. */
const stateSchema = z.object({
	account: z.object({ id: z.string(), name: z.string() }).nullable(),
	steps: z.record(z.string(), z.unknown()),
});

/** Another process has taken the row over: this one must not touch it again. */
class ClaimLost extends Error {}

/**
 * Publishes a post at most once, whatever happens on the way: start → check → finish, every step durable before the next
 * one. Called again after a crash, in another process, or for the same logical post, it continues where the ledger says.
 * Answers the row of a published or scheduled post; throws a PipelineError otherwise, with `details.post_id`.
 */
export async function publishPost(deps: PublishDependencies, request: PublishRequest): Promise<PublishedPost> {
	const { ledger, leaseSeconds = 90 } = deps;
	const sleep = deps.sleep ?? pause;
	const { platform, post, signal } = request;
	let row = await ledger.findOrCreate({
		id: randomUUID(),
		workspaceId: request.workspaceId,
		assetId: request.assetId,
		jobId: request.jobId,
		platform: platform.name,
		operationKey: operationKey(request),
		text: post.text,
		scheduledFor: post.scheduledAt,
	});
	while (row.externalPostId === null) {
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
		const explained = explain(error, { platform: request.platform, postId: row.id, open: publication.open, signal: request.signal, now: deps.now?.() ?? new Date() });
		const end = { status: explained.status, error: explained.error.toPublic() };
		await ledger.settle(row.id, claim, end).catch((cause: unknown) => log.error({ post: row.id, err: cause }, 'the end of a post could not be stored'));
		throw explained.error;
	} finally {
		clearInterval(beat);
	}
}

/** One run over one claimed row. */
class Publication {
	readonly #deps: PublishDependencies;
	readonly #request: PublishRequest;
	readonly #claim: string;
	readonly #run: PlatformRun;
	#row: PostRow;
	#account: Account | null = null;
	#state: PostState = {};

	constructor(deps: PublishDependencies, request: PublishRequest, row: PostRow, claim: string) {
		this.#deps = deps;
		this.#request = request;
		this.#row = row;
		this.#claim = claim;
		this.#run = this.#platformRun();
	}

	/** True while a publishing call may have taken effect without our knowing. */
	get open(): boolean {
		return this.#row.openSince !== null;
	}

	async run(): Promise<PostRow> {
		const { platform, signal } = this.#request;
		signal.throwIfAborted();
		if (this.#row.state !== null) this.#load(this.#row.state);
		if (this.#account === null) {
			this.#account = await platform.identify(this.#run);
			await this.#save(this.#state);
		}
		if (this.open) {
			const found = await this.#reconcile();
			if (found) return this.#store(found);
		}
		// After an open call the limits have been kept already, and a scheduled time may have passed by now.
		if (!this.open) await this.#validate();
		let rounds = 0;
		for (;;) {
			const outcome = (await this.#upload()) ?? (await this.#finish());
			if (outcome.state === 'published' || outcome.state === 'scheduled') return this.#store(outcome);
			rounds += 1;
			if (rounds > ROUNDS) {
				const why = outcome.state === 'restart' ? `it lost the uploaded media: ${outcome.reason}` : 'the media is still not ready';
				throw new PipelineError('platform_unavailable', `${platform.title} could not publish: ${why}. Nothing was posted.`);
			}
			if (outcome.state === 'waiting') {
				await this.#run.sleep(outcome.afterSeconds * 1000);
			} else {
				this.#request.log.warn({ post: this.#row.id, reason: outcome.reason }, 'the uploads are gone on the platform, uploading again');
				await this.#save({});
			}
		}
	}

	#load(sealed: string): void {
		try {
			({ account: this.#account, steps: this.#state } = stateSchema.parse(JSON.parse(this.#deps.vault.open(sealed))));
		} catch (error) {
			// Sealed with another ENCRYPTION_KEY. Uploads can be made again; what an open call did cannot be found out without.
			if (!this.open) return;
			throw new PipelineError(
				'post_unknown',
				'It is not known whether the post was published, and what was known of it cannot be read: was ENCRYPTION_KEY changed? Look at the account before you post again.',
				{ cause: error },
			);
		}
	}

	async #validate(): Promise<void> {
		const { platform, post } = this.#request;
		const problems = findProblems(post, await platform.limits(this.#run), platform.title, this.#run.now());
		if (problems.length === 0) return;
		throw new PipelineError('post_invalid', problems.map(({ field, message }) => `${field}: ${message}`).join(' '), { details: { problems } });
	}

	/** Uploads and waits until the platform is ready. Null: ready. */
	async #upload(): Promise<Restart | null> {
		const { platform } = this.#request;
		await platform.start(this.#run);
		for (let waited = 0; ; ) {
			const result = await platform.check(this.#run);
			if (result.state === 'ready') return null;
			if (result.state === 'restart') return result;
			if (waited >= LONGEST_PROCESSING_SECONDS) {
				throw new PipelineError('platform_unavailable', `${platform.title} has not finished processing the media after ${Math.round(waited / 60)} minutes. Nothing was posted.`);
			}
			waited += result.afterSeconds;
			await this.#run.sleep(result.afterSeconds * 1000);
		}
	}

	/** The publishing call, and what follows from its outcome. */
	async #finish(): Promise<FinishResult> {
		const { platform, signal } = this.#request;
		for (let attempt = 1; ; attempt += 1) {
			signal.throwIfAborted();
			// An earlier call that is still open makes this a repeat: whatever answers it says nothing of the earlier one.
			const repeat = this.open;
			const arming = await this.#arm();
			try {
				const result = await platform.finish(this.#run, arming);
				if (result.state === 'published' || result.state === 'scheduled') return result;
				if (!repeat) await this.#disarm('refused');
				return result;
			} catch (error) {
				if (!(error instanceof HttpFailure)) throw error;
				if (error.decision === 'unknown') {
					this.#request.log.warn({ post: this.#row.id, status: error.status, detail: error.detail }, 'the outcome of publishing is unknown, looking it up');
					const found = await this.#reconcile();
					if (found) return found;
					if (attempt === TRIES) throw error;
					continue;
				}
				if (!repeat) await this.#disarm('refused');
				if (error.decision !== 'retry' && error.decision !== 'wait') throw error;
				const pauseMs = error.decision === 'wait' ? throttleSeconds(error, this.#run.now()) * 1000 : backoffMs(attempt, this.#run.random);
				if (attempt === TRIES || pauseMs > this.#run.maxWaitSeconds * 1000) throw error;
				await this.#run.sleep(pauseMs);
				// What made the repeat harmless may have run out during the pause.
				const found = repeat ? await this.#reconcile() : null;
				if (found) return found;
			}
		}
	}

	/** Looks until it is known. Null: publishing may be tried (again). */
	async #reconcile(): Promise<Published | Scheduled | null> {
		const { platform } = this.#request;
		for (let waited = 0; ; ) {
			const result = await platform.reconcile(this.#run, this.#arming());
			if (result.state === 'published' || result.state === 'scheduled') return result;
			if (result.state === 'repeat') return null;
			if (result.state === 'absent') {
				await this.#disarm('absent');
				return null;
			}
			const reason = result.state === 'unknown' ? result.reason : 'the platform gave no clear answer in time';
			if (result.state === 'unknown' || waited >= LONGEST_RECONCILING_SECONDS) {
				throw new PipelineError('post_unknown', `It is not known whether the post was published: ${reason}. Look at the account before you post again.`);
			}
			waited += result.afterSeconds;
			await this.#run.sleep(result.afterSeconds * 1000);
		}
	}

	/** First of all the id is stored: nothing that fails later may lose it. */
	async #store(result: Published | Scheduled): Promise<PostRow> {
		const stored = await this.#deps.ledger.storeRemote(this.#row.id, {
			status: result.state,
			externalPostId: result.remoteId,
			permalink: result.state === 'published' ? result.permalink : null,
		});
		if (!stored) throw new ClaimLost();
		return stored;
	}

	async #arm(): Promise<Arming> {
		await this.#request.confirm?.();
		const armed = await this.#deps.ledger.arm(this.#row.id, this.#claim, this.#leaseSeconds);
		if (!armed) throw new ClaimLost();
		this.#row = armed;
		return this.#arming();
	}

	#arming(): Arming {
		const { armedAt, openSince, finishAttempts } = this.#row;
		if (!armedAt || !openSince) throw new Error('a post without an open publishing call was to be reconciled');
		return { firstArmedAt: armedAt, openSince, attempts: finishAttempts };
	}

	async #disarm(why: 'refused' | 'absent'): Promise<void> {
		const row = await this.#deps.ledger.disarm(this.#row.id, this.#claim, why);
		if (!row) throw new ClaimLost();
		this.#row = row;
	}

	async #save(steps: PostState): Promise<void> {
		const state = this.#deps.vault.seal(JSON.stringify({ account: this.#account, steps }));
		const account = this.#account?.name ?? '';
		if (!(await this.#deps.ledger.save(this.#row.id, this.#claim, { state, account }, this.#leaseSeconds))) throw new ClaimLost();
		this.#state = steps;
	}

	get #leaseSeconds(): number {
		return this.#deps.leaseSeconds ?? 90;
	}

	#platformRun(): PlatformRun {
		const { post, credentials, signal, log, progress = () => {} } = this.#request;
		const { now = () => new Date(), sleep = pause, random = Math.random, maxWaitSeconds = 60 } = this.#deps;
		const account = () => this.#account;
		const state = () => this.#state;
		return {
			post,
			credentials,
			get account() {
				return account();
			},
			get state() {
				return state();
			},
			operationKey: this.#row.operationKey,
			save: (steps) => this.#save(steps),
			progress,
			signal,
			log,
			now,
			random,
			maxWaitSeconds,
			sleep: async (milliseconds) => {
				await sleep(milliseconds, signal);
				if (!(await this.#deps.ledger.renew(this.#row.id, this.#claim, this.#leaseSeconds))) throw new ClaimLost();
			},
		};
	}
}

/** Waits; throws the signal's reason when it is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		if (signal.aborted) return reject(signal.reason as Error);
		const abort = () => {
			clearTimeout(timer);
			reject(signal.reason as Error);
		};
		const timer = setTimeout(() => {
			signal.removeEventListener('abort', abort);
			resolve();
		}, milliseconds);
		signal.addEventListener('abort', abort, { once: true });
	});
}
