import { and, eq, inArray, isNotNull, ne, notInArray, sql } from 'drizzle-orm';
import type { Dedupe } from '../contract/sources.ts';
import type { AssetRow, NewAsset } from '../db/assets.ts';
import type { Database, Executor, Transaction } from '../db/database.ts';
import { INGEST, OPEN, type JobRow } from '../db/jobs.ts';
import { assets, assetVersions, jobs } from '../db/schema.ts';
import { PipelineError, type PublicError } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';
import { NotYet } from './not-yet.ts';
import { isUnsafe } from './safety.ts';

/**
 * The same bytes again in a workspace. `link`: the new asset names the stored file of the first one, with what is known of it, and is
 * complete. `copy`: they are stored again. `version`: they become the next original of an asset that exists. Which bytes are there is
 * decided in the transaction that ends the ingest, one at a time for the same bytes: of two that arrive together, the second one links.
 */
export const dedupeOf = ({ params }: Pick<JobRow, 'params'>): Dedupe => {
	const { dedupe } = params;
	return dedupe === 'version' || dedupe === 'copy' ? dedupe : 'link';
};

const twinOf = (asset: Pick<AssetRow, 'id' | 'workspaceId'>, sha256: string) =>
	and(
		eq(assets.workspaceId, asset.workspaceId),
		eq(assets.sha256, sha256),
		ne(assets.id, asset.id),
		isNotNull(assets.storageKey),
		isNotNull(assets.facts),
		// Of the others the bytes are gone, or cannot be read.
		inArray(assets.originalState, ['stored', 'replaced']),
	);
/** The first one: those that link to it name it, too. */
const firstOfAll = [sql`${assets.sameAs} is not null`, assets.createdAt, assets.id];

export interface Look {
	/** Its file is really there: the bytes need not be stored. */
	twin: AssetRow | null;
	/** Keys of files that rows name and that are not there (any more): nothing may be linked to them. */
	missing: string[];
}

/** Looks for an asset with these bytes. A look only; `shareBytes` decides. */
export async function findTwin(deps: { db: Database; storage: Storage }, asset: Pick<AssetRow, 'id' | 'workspaceId'>, sha256: string): Promise<Look> {
	const missing: string[] = [];
	for (;;) {
		const [twin] = await deps.db.select().from(assets).where(and(twinOf(asset, sha256), isNoneOf(missing))).orderBy(...firstOfAll).limit(1);
		if (!twin?.storageKey) return { twin: null, missing };
		if ((await deps.storage.head(twin.storageKey))?.bytes === twin.bytes) return { twin, missing };
		missing.push(twin.storageKey);
	}
}

const isNoneOf = (keys: string[]) => (keys.length > 0 ? notInArray(assets.storageKey, keys) : undefined);

/** What an asset takes over of the one with the same bytes. */
export const sharedWith = (twin: AssetRow): Partial<NewAsset> & { sameAs: string } => ({
	sameAs: twin.sameAs ?? twin.id,
	storageKey: twin.storageKey,
	sha256: twin.sha256,
	facts: twin.facts,
	fileType: twin.fileType,
	mime: twin.mime,
	bytes: twin.bytes,
	durationSeconds: twin.durationSeconds,
	width: twin.width,
	height: twin.height,
	originalState: twin.originalState,
	originalKey: null,
	originalBytes: null,
	expectedBytes: null,
});

export interface Shared {
	asset: Partial<NewAsset> | undefined;
	/** For the output of the ingest. */
	output: Record<string, unknown>;
	/** What a scan has found in the same bytes. */
	unsafe: PublicError | null;
}

/** In the transaction that ends an ingest, with its asset locked. Throws `storage_failed` (to be tried again) when what it was to share was deleted meanwhile. */
export async function shareBytes(tx: Transaction, job: JobRow, before: AssetRow, change: Partial<NewAsset> | undefined, missing: string[] = []): Promise<Shared> {
	const none: Shared = { asset: change, output: {}, unsafe: null };
	const dedupe = dedupeOf(job);
	if (!change?.sha256 || !change.storageKey) return none;
	if (dedupe === 'version') return nextVersion(tx, before, change);
	if (dedupe === 'copy') return none;
	await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`bytes ${job.workspaceId} ${change.sha256}`}, 0))`);
	// Held: whoever deletes it waits, and then finds that its file has another name to it.
	const [twin] = await tx.select().from(assets).where(and(twinOf(before, change.sha256), isNoneOf(missing))).orderBy(...firstOfAll).limit(1).for('share');
	if (!twin) {
		if (change.sameAs) throw new PipelineError('storage_failed', 'The asset with the same bytes was deleted while this one was ingested. It is stored anew.');
		return none;
	}
	const shared = sharedWith(twin);
	return { asset: { ...change, ...shared }, output: { same_as: shared.sameAs }, unsafe: isUnsafe(twin) ? twin.error : null };
}

async function nextVersion(tx: Transaction, before: AssetRow, change: Partial<NewAsset>): Promise<Shared> {
	if (before.storageKey) {
		await tx.insert(assetVersions).values({
			id: crypto.randomUUID(),
			workspaceId: before.workspaceId,
			assetId: before.id,
			version: before.version,
			// Of one that was replaced by a mezzanine, what it really was, as long as that is there.
			storageKey: before.originalKey ?? before.storageKey,
			// What lies there, where its original is gone, is a mezzanine, whose own sum nobody knows.
			sha256: before.originalState === 'replaced' && !before.originalKey ? null : before.sha256,
			// Of a mezzanine it is known what it is; of what it was made of, that is written in the output of its ingest only.
			mime: before.originalKey ? null : before.mime,
			bytes: before.originalKey ? before.originalBytes : before.bytes,
		});
	}
	const version = before.version + 1;
	return { asset: { originalKey: null, originalBytes: null, originalState: 'stored', ...change, sameAs: null, version }, output: { version }, unsafe: await foundInTwin(tx, before, change) };
}

/** What a scan has found in another asset with these bytes, whether or not they are still stored there. */
async function foundInTwin(tx: Transaction, { id, workspaceId }: AssetRow, { sha256 }: Partial<NewAsset>): Promise<PublicError | null> {
	if (!sha256) return null;
	const [twin] = await tx
		.select({ error: assets.error })
		.from(assets)
		.where(and(eq(assets.workspaceId, workspaceId), eq(assets.sha256, sha256), ne(assets.id, id), sql`${assets.error}->>'code' = 'content_unsafe'`))
		.limit(1);
	return twin?.error ?? null;
}

/** New versions of an asset are numbered in the order in which they were asked for. Throws NotYet while an earlier one is under way. */
export async function awaitEarlierVersions(db: Executor, job: JobRow): Promise<void> {
	const [earlier] = await db
		.select({ id: jobs.id })
		.from(jobs)
		.where(
			and(
				eq(jobs.assetId, job.assetId ?? job.id),
				eq(jobs.jobType, INGEST),
				ne(jobs.id, job.id),
				inArray(jobs.status, OPEN),
				// All in the database: it counts microseconds, of which a Date knows nothing, and the items of one request have one time.
				sql`(${jobs.createdAt}, ${jobs.itemIndex}, ${jobs.id}) < (select own.created_at, own.item_index, own.id from jobs own where own.id = ${job.id})`,
			),
		)
		.limit(1);
	if (earlier) throw new NotYet('an earlier version of the asset is on its way');
}
