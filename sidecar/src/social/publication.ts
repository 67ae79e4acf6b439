import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { PostRow } from '../db/posts.ts';
import { PipelineError } from '../errors.ts';
import { createAccountRun } from './account-run.ts';
import { backoffMs, throttleSeconds, TRIES } from './call.ts';
import { HttpFailure } from './outcome.ts';
import type { Accepted, Account, Arming, FinishResult, PlatformRun, PostState, Published, Restart, Scheduled } from './platform.ts';
import type { PublishDependencies, PublishRequest } from './publish.ts';
import { findProblems } from './validate.ts';

/** platforms.md 13.1: peers check for about 30 minutes, both for media to be ready and for an open outcome. */
const LONGEST_LOOKING_SECONDS = 30 * 60;
/** How often a platform may say at the last step that the media is gone or not ready after all. */
const ROUNDS = 4;

/** What is sealed in the row's `state`. */
const stateSchema = z.object({
	account: z.object({ id: z.string(), name: z.string() }).nullable(),
	steps: z.record(z.string(), z.unknown()),
	/** SHA-256 of the media that the uploads are of. */
	media: z.array(z.string()).default([]),
	/** Of the token that the account was found out with. */
	token: z.string().default(''),
});

/** Another process has taken the row over: this one must not touch it again. */
export class ClaimLost extends Error {}

/** One run over one claimed row. */
export class Publication {
	readonly #deps: PublishDependencies;
	readonly #request: PublishRequest;
	readonly #claim: string;
	readonly #run: PlatformRun;
	#row: PostRow;
	#account: Account | null = null;
	/** Of the token that the account was found out with. */
	#token = '';
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

	/** The post exists already: only what is added to it is missing. */
	get out(): boolean {
		return this.#row.externalPostId !== null;
	}

	async run(): Promise<PostRow> {
		const { platform, signal } = this.#request;
		signal.throwIfAborted();
		if (this.#row.state !== null) this.#load(this.#row.state);
		if (this.#account !== null && this.#token !== this.#tokenNow) await this.#recognize();
		if (this.out) return this.#complete();
		if (this.#account === null) {
			this.#account = this.#request.account ?? (await platform.identify(this.#run));
			this.#token = this.#tokenNow;
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
			const repeating = this.open;
			const lost = await this.#upload();
			// What made a repeat harmless may have run out while it was uploaded.
			const found = repeating && !lost && rounds > 0 ? await this.#reconcile() : null;
			const outcome = found ?? lost ?? (await this.#finish());
			if (outcome.state === 'published' || outcome.state === 'scheduled') return this.#store(outcome);
			rounds += 1;
			if (rounds > ROUNDS) {
				const why = outcome.state === 'restart' ? `it lost the uploaded media: ${outcome.reason}` : 'the media is still not ready';
				throw new PipelineError('platform_unavailable', `${platform.title} could not publish: ${why}.${this.#nothing}`);
			}
			if (outcome.state === 'waiting') {
				await this.#run.sleep(outcome.afterSeconds * 1000);
			} else {
				this.#request.log.warn({ post: this.#row.id, reason: outcome.reason }, 'the uploads are gone on the platform, uploading again');
				await this.#save({});
			}
		}
	}

	/** Another token than before: mostly a fresh one. That of another account must not go on with what was begun. */
	async #recognize(): Promise<void> {
		const { platform } = this.#request;
		const before = this.#account;
		const now = await platform.identify(this.#run);
		this.#token = this.#tokenNow;
		if (!before || !now || now.id === before.id) return;
		if (this.open || this.out) {
			throw new PipelineError('needs_reauth', `The post was begun as ${before.name} on ${platform.title}, but the credential belongs to ${now.name}. Choose the credential of ${before.name}, then run it again.`);
		}
		// Nothing is public: what was uploaded belongs to the other account.
		this.#account = now;
		await this.#save({});
	}

	#load(sealed: string): void {
		try {
			const { account, steps, media, token } = stateSchema.parse(JSON.parse(this.#deps.vault.open(sealed)));
			this.#account = account;
			this.#token = token;
			// Another rendition than the one whose upload was begun: its bytes must not be mixed with the first one's.
			const other = media.length > 0 && media.join() !== this.#hashes.join();
			this.#state = other && !this.open && !this.out ? {} : steps;
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
			if (waited >= LONGEST_LOOKING_SECONDS) {
				throw new PipelineError('platform_unavailable', `${platform.title} has not finished processing the media after ${Math.round(waited / 60)} minutes.${this.#nothing}`);
			}
			waited += result.afterSeconds;
			await this.#run.sleep(result.afterSeconds * 1000);
		}
	}

	/** The publishing call, and what follows from its outcome. */
	async #finish(): Promise<Exclude<FinishResult, Accepted>> {
		const { platform, signal } = this.#request;
		for (let attempt = 1; ; attempt += 1) {
			signal.throwIfAborted();
			// An earlier call that is still open makes this a repeat: whatever answers it says nothing of the earlier one.
			const repeat = this.open;
			const arming = await this.#arm();
			let accepted: Accepted | null = null;
			try {
				const result = await platform.finish(this.#run, arming);
				if (result.state === 'published' || result.state === 'scheduled') return result;
				if (result.state !== 'accepted') {
					if (!repeat) await this.#disarm('refused');
					return result;
				}
				accepted = result;
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
				if (error.untried || (error.decision !== 'retry' && error.decision !== 'wait')) throw error;
				const pauseMs = error.decision === 'wait' ? throttleSeconds(error, this.#run.now()) * 1000 : backoffMs(attempt, this.#run.random);
				if (attempt === TRIES || pauseMs > this.#run.maxWaitSeconds * 1000) throw error;
				await this.#run.sleep(pauseMs);
				// What made the repeat harmless may have run out during the pause.
				const found = repeat ? await this.#reconcile() : null;
				if (found) return found;
			}
			if (!accepted) continue;
			// Outside of the try: a look that is refused (a dead token) says nothing of the call that was taken.
			await this.#run.sleep(accepted.afterSeconds * 1000);
			const found = await this.#reconcile();
			if (found) return found;
			if (attempt === TRIES) throw new PipelineError('platform_unavailable', `${platform.title} takes the post, but does not publish it.${this.#nothing}`);
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
			if (result.state === 'rejected') {
				await this.#disarm('absent');
				throw new PipelineError('post_rejected', `${platform.title} did not publish the post: ${result.reason} Nothing is public.`, {
					details: { ...(result.platformCode === undefined ? {} : { platform_code: result.platformCode }) },
				});
			}
			const reason = result.state === 'unknown' ? result.reason : 'the platform gave no clear answer in time';
			if (result.state === 'unknown' || waited >= LONGEST_LOOKING_SECONDS) {
				throw new PipelineError('post_unknown', `It is not known whether the post was published: ${reason}. Look at the account before you post again.`);
			}
			waited += result.afterSeconds;
			await this.#run.sleep(result.afterSeconds * 1000);
		}
	}

	/** First of all the id is stored: nothing that fails later may lose it. */
	async #store(result: Published | Scheduled): Promise<PostRow> {
		const more = this.#request.platform.after?.needed(this.#request.post) === true;
		const { state: status, remoteId: externalPostId, permalink = null, warnings = [] } = result;
		const stored = await this.#deps.ledger.storeRemote(this.#row.id, { status, externalPostId, permalink, warnings }, more);
		if (!stored) throw new ClaimLost();
		if (!more) return stored;
		// The claim went with the store: take it again, as a process would that comes later.
		const claimed = await this.#deps.ledger.claim(stored.id, this.#claim, this.#leaseSeconds);
		if (!claimed) throw new ClaimLost();
		this.#row = claimed;
		return this.#complete();
	}

	/** What can only be added to a post that exists. What the platform refuses of it is a warning: the post is out. */
	async #complete(): Promise<PostRow> {
		const { platform, post } = this.#request;
		const { externalPostId: remoteId, permalink, status } = this.#row;
		if (remoteId === null) throw new Error('a post that does not exist was to be completed');
		const warnings: string[] = [];
		if (platform.after?.needed(post)) {
			const remote = status === 'scheduled' ? { state: status, remoteId, permalink } : { state: 'published' as const, remoteId, permalink };
			try {
				warnings.push(...(await platform.after.run(this.#run, remote)));
			} catch (error) {
				const passes = error instanceof HttpFailure ? error.decision === 'reauth' || error.decision === 'wait' : !(error instanceof PipelineError);
				if (passes || this.#request.signal.aborted) throw error;
				warnings.push(error instanceof HttpFailure ? `${error.message}${error.hint ? ` ${error.hint}` : ''}` : (error as PipelineError).message);
			}
		}
		const done = await this.#deps.ledger.complete(this.#row.id, this.#claim, warnings);
		if (!done) throw new ClaimLost();
		return done;
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
		const state = this.#deps.vault.seal(JSON.stringify({ account: this.#account, steps, media: this.#hashes, token: this.#token }));
		const account = this.#account?.name ?? '';
		const accountId = this.#account?.id ?? '';
		if (!(await this.#deps.ledger.save(this.#row.id, this.#claim, { state, account, accountId }, this.#leaseSeconds))) throw new ClaimLost();
		this.#state = steps;
	}

	/** As a sentence, where it is so. */
	get #nothing(): string {
		return this.open ? '' : ' Nothing was posted.';
	}

	get #tokenNow(): string {
		return createHash('sha256').update(this.#request.credentials.accessToken).digest('hex');
	}

	get #leaseSeconds(): number {
		return this.#deps.leaseSeconds ?? 90;
	}

	get #hashes(): string[] {
		return this.#request.post.media.map((media) => media.sha256);
	}

	#platformRun(): PlatformRun {
		const { post, progress = () => {} } = this.#request;
		const base = createAccountRun(this.#deps, this.#request, () => this.#account);
		const state = () => this.#state;
		return {
			...base,
			// Both become known on the way.
			get account() {
				return base.account;
			},
			get pace() {
				return base.pace;
			},
			get state() {
				return state();
			},
			post,
			operationKey: this.#row.operationKey,
			save: (steps) => this.#save(steps),
			progress,
			sleep: async (milliseconds) => {
				await base.sleep(milliseconds);
				if (!(await this.#deps.ledger.renew(this.#row.id, this.#claim, this.#leaseSeconds))) throw new ClaimLost();
			},
		};
	}
}
