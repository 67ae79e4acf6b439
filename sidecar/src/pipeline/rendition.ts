import { parse } from '../contract/parse.ts';
import { assetById, findAsset } from '../db/assets.ts';
import { ENDED, findJob, type JobRow } from '../db/jobs.ts';
import { jobOfRendition, lockRendition, nameRendition } from '../db/renditions.ts';
import { allFilesOf } from '../db/reuse.ts';
import { transact } from '../db/transact.ts';
import { PipelineError } from '../errors.ts';
import { sha256 } from '../secrets.ts';
import type { WantedRendition } from '../storage/rendition-link.ts';
import type { Storage } from '../storage/storage.ts';
import { wakeAll, type PipelineDeps } from './deps.ts';
import { allStored, assetsIn, canonical } from './reuse.ts';
import { isUnsafe } from './safety.ts';
import { operationNamed, submitBatch } from './submit.ts';

export interface RenditionDeps extends PipelineDeps {
	storage: Storage;
	/** How long a request waits for a rendition that is being made. */
	renditionWaitSeconds: number;
}

/** Somebody is looking at an empty player: before everything but what was marked as urgent. */
const PRIORITY = 8;

/** A rendition that failed is tried anew at the earliest after this time, not at each request: most fail for good. */
const TRY_ANEW_AFTER_SECONDS = 300;

const DEADLINE_SECONDS = 86_400;

/** Often enough not to be felt, seldom enough for many that wait at once. */
const LOOK_EVERY_MS = 150;

/** Checks what a link is to stand for. Throws `unknown_operation`, `invalid_request` naming the field. */
export function checkRendition(deps: Pick<PipelineDeps, 'operations'>, { operation: name, params }: Pick<WantedRendition, 'operation' | 'params'>): { version: number; params: Record<string, unknown> } {
	const operation = operationNamed(deps, name, 'operation');
	if (operation.kind !== 'media') {
		throw new PipelineError('invalid_request', `operation: ${name} cannot be made on request, only operations that make media from media can. Submit a job instead.`, { details: { field: 'operation' } });
	}
	return { version: operation.version, params: parse(operation.params, params, 'params') as Record<string, unknown> };
}

/** Renditions that are made when they are first asked for: once, however many ask at the same moment, in whatever process. */
export class Renditions {
	readonly #deps: RenditionDeps;
	/** Requests for the same at the same moment look once. */
	readonly #asking = new Map<string, Promise<JobRow>>();
	readonly #watching = new Map<string, { until: number; ended: Promise<JobRow | null> }>();

	constructor(deps: RenditionDeps) {
		this.#deps = deps;
	}

	/** The job of the rendition as it is; nothing is begun. Null: it has not been asked for, or must be made anew. */
	async find(wanted: WantedRendition): Promise<JobRow | null> {
		const { workspaceId, key } = await this.#identify(wanted);
		const job = await jobOfRendition(this.#deps.db, workspaceId, key);
		return job && !isStale(job) && (await this.#isWhole(job)) ? job : null;
	}

	/**
	 * The job of the rendition: one that has ended, or, when that takes longer than the request waits, one that is still open.
	 * Throws `not_found` when the asset is gone.
	 */
	async get(wanted: WantedRendition): Promise<JobRow> {
		const name = canonical([wanted.assetId, wanted.operation, wanted.params]);
		let asked = this.#asking.get(name);
		if (!asked) {
			asked = this.#ensure(wanted).finally(() => this.#asking.delete(name));
			this.#asking.set(name, asked);
		}
		const job = await asked;
		if (ENDED.includes(job.status)) return job;
		return (await this.#ended(job)) ?? (await findJob(this.#deps.db, job.workspaceId, job.id)) ?? job;
	}

	async #identify({ assetId, operation, params: given }: WantedRendition): Promise<{ workspaceId: string; key: string; params: Record<string, unknown> }> {
		const asset = await assetById(this.#deps.db, assetId);
		if (!asset) throw new PipelineError('not_found', 'The media of this link is gone.');
		if (isUnsafe(asset)) throw withdrawn();
		const { version, params } = checkRendition(this.#deps, { operation, params: given });
		for (const id of assetsIn(params)) {
			const input = await findAsset(this.#deps.db, asset.workspaceId, id);
			if (input && isUnsafe(input)) throw withdrawn();
		}
		return { workspaceId: asset.workspaceId, params, key: sha256(canonical([assetId, operation, version, params])) };
	}

	async #ensure(wanted: WantedRendition): Promise<JobRow> {
		const { workspaceId, key, params } = await this.#identify(wanted);
		for (;;) {
			const job = await this.#findOrSubmit(wanted, workspaceId, key, params);
			if (await this.#isWhole(job)) return job;
			await nameRendition(this.#deps.db, job.id, null);
		}
	}

	async #findOrSubmit({ assetId, operation }: WantedRendition, workspaceId: string, key: string, params: Record<string, unknown>): Promise<JobRow> {
		const deps = this.#deps;
		const earlier = await jobOfRendition(deps.db, workspaceId, key);
		if (earlier && !isStale(earlier)) return earlier;
		const job = await transact(deps.db, async (tx) => {
			await lockRendition(tx, key);
			// Looked for again: whoever held the lock before has made one.
			const made = await jobOfRendition(tx, workspaceId, key);
			if (made && !isStale(made)) return made;
			const { jobs: [submitted] } = await submitBatch(deps, tx, {
				workspaceId,
				kind: 'job',
				items: [{ operation, params, asset_id: assetId }],
				deadlineSeconds: DEADLINE_SECONDS,
				priority: PRIORITY,
			});
			if (!submitted) throw new PipelineError('internal', 'The job was not stored.');
			await nameRendition(tx, submitted.id, key);
			return (await findJob(tx, workspaceId, submitted.id)) ?? submitted;
		});
		wakeAll(deps);
		return job;
	}

	/** False: completed, but its files are gone. */
	async #isWhole(job: JobRow): Promise<boolean> {
		return job.status !== 'completed' || allStored(this.#deps.storage, await allFilesOf(this.#deps.db, job.id));
	}

	/** Null: not within the time that a request waits. All that wait for one job share one who looks. */
	async #ended({ id, workspaceId }: JobRow): Promise<JobRow | null> {
		const until = Date.now() + this.#deps.renditionWaitSeconds * 1000;
		const watched = this.#watching.get(id);
		if (watched) {
			watched.until = until;
			// No longer than this request waits, however many come after it.
			return Promise.race([watched.ended, pause(this.#deps.renditionWaitSeconds * 1000)]);
		}
		const watch = { until, ended: Promise.resolve<JobRow | null>(null) };
		watch.ended = (async () => {
			try {
				while (Date.now() < watch.until) {
					const job = await findJob(this.#deps.db, workspaceId, id);
					if (!job || ENDED.includes(job.status)) return job;
					await pause(LOOK_EVERY_MS);
				}
				return null;
			} finally {
				this.#watching.delete(id);
			}
		})();
		this.#watching.set(id, watch);
		return Promise.race([watch.ended, pause(this.#deps.renditionWaitSeconds * 1000)]);
	}
}

/** Failed long enough ago to be tried anew, or stopped by a scan that another one has lifted since (else nobody gets here). */
const isStale = (job: JobRow): boolean => (job.status === 'failed' || job.status === 'cancelled') && (isStopped(job) || secondsUntilTriedAnew(job) === 0);

/** Links are open to anyone who has them: no word of what was found. */
export const withdrawn = (): PipelineError => new PipelineError('expired', 'The media of this link has been withdrawn.');

/** Whether it ended because of what a safety scan found, in this asset or in another one that it was to use. */
export const isStopped = ({ error }: Pick<JobRow, 'error'>): boolean => error?.code === 'content_unsafe' || error?.details?.['reason'] === 'content_unsafe';

export const secondsUntilTriedAnew = ({ completedAt }: Pick<JobRow, 'completedAt'>, now = Date.now()): number =>
	Math.max(0, Math.ceil(TRY_ANEW_AFTER_SECONDS - (now - (completedAt?.getTime() ?? 0)) / 1000));

/** Does not keep the process alive. */
const pause = (ms: number): Promise<null> => new Promise((resolve) => void setTimeout(() => resolve(null), ms).unref());
