import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Place } from '../contract/sources.ts';
import { findAsset, updateAsset, type AssetRow } from '../db/assets.ts';
import { PipelineError } from '../errors.ts';
import { incomingKey, rawKey, versionKey } from '../storage/keys.ts';
import type { Claim } from './checks.ts';
import { describe, describeFile } from './describe.ts';
import { examine, type Examined } from './examine.ts';
import { localFile, type Execution } from './execute.ts';
import type { Outcome } from './finish.ts';
import { refuseResults, reserveFor, withinQuota } from './quota.ts';
import { awaitEarlierVersions, dedupeOf, findTwin, sharedWith } from './same-bytes.ts';
import { findOtherFile } from './uploads.ts';
import { makeMaster, type Master } from './originals.ts';
import type { WorkerDeps } from './worker-deps.ts';

type Completed = Extract<Outcome, { status: 'completed' }>;

/**
 * Brings the bytes of an asset into storage and finds out what they are. Nothing gets the key of an original, and nothing may read it, before
 * it has passed every check (examine.ts). An asset that has its bytes already (another job brought them) is answered as it is.
 */
export async function executeIngest(deps: WorkerDeps, execution: Execution): Promise<Completed> {
	const { job } = execution;
	const isVersion = dedupeOf(job) === 'version';
	if (isVersion) await awaitEarlierVersions(deps.db, job);
	// After that: the number of the next version depends on it.
	const asset = job.assetId ? await findAsset(deps.db, job.workspaceId, job.assetId) : null;
	if (!asset) throw new PipelineError('not_found', 'The asset of this job is gone.');
	// Let go by the policy, it is as complete as it shall be.
	const isLetGo = asset.originalState === 'deleted';
	if (asset.facts && (asset.storageKey || isLetGo) && !isVersion) return { status: 'completed', output: describe(asset.facts) };
	if (asset.storageKey && !isVersion) return acceptUpload(deps, execution, asset, asset.storageKey);
	if (asset.source === 'upload' && !isVersion) {
		await deleteIncoming(deps, asset);
		throw new PipelineError(asset.error?.code ?? 'input_not_found', asset.error?.message ?? 'The uploaded file is not there any more. Upload it again (POST /api/media/sign).', asset.error?.details ? { details: asset.error.details } : {});
	}
	if (!job.source) throw new PipelineError('input_not_found', 'The sidecar does not know any more where to fetch this asset from. Ingest it again.');
	return download(deps, execution, asset, JSON.parse(deps.vault.open(job.source)) as Place);
}

async function download(deps: WorkerDeps, execution: Execution, asset: AssetRow, place: Place): Promise<Completed> {
	const { job, workDir, signal, step, progress } = execution;
	const path = join(workDir, 'source');
	const secrets = job.secret ? (JSON.parse(deps.vault.open(job.secret)) as Record<string, string>) : {};
	const fetched = await step('download', () =>
		withinQuota(deps.db, asset, (maxBytes) => deps.fetchSource({ place, secrets, workspaceId: job.workspaceId, destPath: path, maxBytes, signal, onProgress: (percent) => progress(percent * 0.6) })),
	);
	const claim: Claim = { mime: fetched.contentType ?? null, fileName: fetched.fileName };
	const examined = await examine(deps, execution, path, claim, (percent) => progress(60 + percent * 0.1));
	const output = await describeFile(path, examined.facts);
	const isVersion = dedupeOf(job) === 'version';
	const { warnings: _former, ...known } = asset.metadata;
	const metadata = isVersion ? { ...known, file_name: fetched.fileName } : { file_name: fetched.fileName, ...asset.metadata };
	if (isVersion && fetched.sha256 === asset.sha256 && (await isReadable(deps, asset))) return { status: 'completed', output: { ...describe(asset.facts ?? examined.facts), version: asset.version, unchanged: true } };
	const { twin, missing } = dedupeOf(job) === 'link' ? await findTwin(deps, asset, fetched.sha256) : { twin: null, missing: [] };
	if (twin) return linked(twin, output, examined, metadata);
	await reserveFor(deps.db, asset, examined.facts.bytes);
	// A later original must not take the place of files of the earlier one.
	const named = isVersion ? { ...asset, id: `${asset.id}_v${asset.version + 1}` } : asset;
	const master = await masterOf(deps, execution, named, path, examined, (percent) => progress(70 + percent * 0.28));
	if (master) await reserveFor(deps.db, asset, examined.facts.bytes + master.facts.bytes);
	const extension = extensionOf(examined.facts.mime);
	const storageKey = isVersion ? versionKey(asset.workspaceId, asset.id, asset.version + 1, extension) : rawKey(asset.workspaceId, asset.id, extension);
	await step('store', () => deps.storage.putFile(storageKey, path, { mime: examined.facts.mime }));
	return { ...(await done(deps, execution, examined, output, master, { storageKey, sha256: fetched.sha256, metadata })), missing };
}

/** Its file is there, not let go by the policy, lost, or in an archive: the same bytes bring it back else. */
const isReadable = async ({ storage }: WorkerDeps, { storageKey, originalState }: AssetRow): Promise<boolean> =>
	storageKey !== null && originalState !== 'archived' && (await storage.head(storageKey)) !== null;

/** The browser or the node has put the bytes into storage; what they are is still to be found out. */
async function acceptUpload(deps: WorkerDeps, execution: Execution, asset: AssetRow, uploadedKey: string): Promise<Completed> {
	const { step, signal, progress } = execution;
	// A try that was cut off may have moved it already: it had passed then, but what it is was not written down.
	const key = (await deps.storage.head(uploadedKey)) ? uploadedKey : ((await movedTo(deps, asset)) ?? uploadedKey);
	const path = await localFile(deps, execution, key, 'source');
	const name = asset.metadata['file_name'];
	const claim: Claim = { mime: asset.mime, fileName: typeof name === 'string' ? name : null };
	const refuse = async (error: unknown): Promise<never> => {
		// What may still pass is kept for the next try; all else goes at once.
		if (!signal.aborted && error instanceof PipelineError && !error.retryable) await refuseUpload(deps, asset, key, error);
		throw error;
	};
	const examined = await examine(deps, execution, path, claim, (percent) => progress(percent * 0.6)).catch(refuse);
	const output = await describeFile(path, examined.facts);
	const hash = createHash('sha256');
	await step('checksum', async () => pipeline(await deps.storage.read(key), hash, { signal }));
	const sha256 = hash.digest('hex');
	const other = await findOtherFile(deps.db, asset.id, sha256);
	if (other) return refuse(other);
	const { twin, missing } = dedupeOf(execution.job) === 'link' ? await findTwin(deps, asset, sha256) : { twin: null, missing: [] };
	if (twin) return { ...linked(twin, output, examined, asset.metadata), spare: [key] };
	const master = await masterOf(deps, execution, asset, path, examined, (percent) => progress(60 + percent * 0.38)).catch(refuse);
	// What was uploaded is counted already.
	if (master) await refuseResults(deps.db, asset.workspaceId, master.facts.bytes).catch(refuse);
	const storageKey = rawKey(asset.workspaceId, asset.id, extensionOf(examined.facts.mime));
	if (key !== storageKey) await step('store', () => move(deps, key, storageKey));
	return { ...(await done(deps, execution, examined, output, master, { storageKey, sha256, metadata: asset.metadata })), missing };
}

/** The bytes are there already: nothing is stored. */
function linked(twin: AssetRow, output: Record<string, unknown>, { warnings, scanned }: Examined, metadata: Record<string, unknown>): Completed {
	const shared = sharedWith(twin);
	return {
		status: 'completed',
		output: { ...output, scanned, ...(warnings.length > 0 ? { warnings } : {}), same_as: shared.sameAs },
		asset: { ...shared, metadata: { ...metadata, ...(warnings.length > 0 ? { warnings } : {}) } },
		cost: {},
	};
}

/** Written down first: a try that follows a crash in the middle says the same, and deletes what is left. */
async function refuseUpload(deps: WorkerDeps, asset: AssetRow, key: string, error: PipelineError): Promise<void> {
	await updateAsset(deps.db, asset.id, { storageKey: null, bytes: null, error: error.toPublic() });
	await deps.storage.delete(key);
	await deleteIncoming(deps, asset);
}

async function deleteIncoming({ storage }: WorkerDeps, asset: AssetRow): Promise<void> {
	for await (const { key } of storage.list(incomingKey(asset.workspaceId, asset.id))) await storage.delete(key);
}

async function movedTo({ storage }: WorkerDeps, asset: AssetRow): Promise<string | null> {
	for await (const { key } of storage.list(rawKey(asset.workspaceId, asset.id, 'x').slice(0, -1))) return key;
	return null;
}

async function move({ storage }: WorkerDeps, from: string, to: string): Promise<void> {
	const inPlace = storage.localPath(from);
	if (inPlace) await storage.putFile(to, inPlace);
	else await storage.copy(from, to);
	await storage.delete(from);
}

const masterOf = async (deps: WorkerDeps, execution: Execution, asset: Pick<AssetRow, 'id' | 'workspaceId'>, path: string, { facts, settings }: Examined, progress: (percent: number) => void): Promise<Master | null> =>
	settings.originals === 'replace' ? makeMaster(deps, execution, asset, { path, facts }, progress) : null;

/** What is known of the asset now. Where a mezzanine takes the place of the original, `sha256` stays that of the original: by it the same bytes are known again. */
async function done(deps: WorkerDeps, { step }: Execution, examined: Examined, output: Record<string, unknown>, master: Master | null, stored: { storageKey: string; sha256: string; metadata: Record<string, unknown> }): Promise<Completed> {
	const { warnings, scanned } = examined;
	if (master) await step('store', () => deps.storage.putFile(master.storageKey, master.path, { mime: master.facts.mime }));
	const facts = master?.facts ?? examined.facts;
	const original = { storageKey: stored.storageKey, bytes: examined.facts.bytes };
	return {
		status: 'completed',
		output: { ...(master ? { ...describe(facts), exif: output['exif'], original: output } : output), scanned, ...(warnings.length > 0 ? { warnings } : {}) },
		asset: {
			...stored,
			// Said in both cases: an asset that is ingested again may have had another one before.
			...(master
				? { storageKey: master.storageKey, originalKey: original.storageKey, originalBytes: original.bytes, originalState: 'replaced' }
				: { originalKey: null, originalBytes: null, originalState: 'stored' }),
			metadata: { ...stored.metadata, ...(warnings.length > 0 ? { warnings } : {}) },
			facts,
			fileType: facts.fileType,
			mime: facts.mime,
			bytes: facts.bytes,
			// It is there: nothing is set aside for it any more.
			expectedBytes: null,
			durationSeconds: facts.durationSeconds,
			width: facts.video?.width ?? null,
			height: facts.video?.height ?? null,
		},
		cost: { storage_bytes: facts.bytes + (master ? original.bytes : 0) },
		spare: [stored.storageKey, ...(master ? [master.storageKey] : [])],
	};
}

/** Only for people who look into the storage: what a file is was found out from its content. */
const EXTENSIONS: Record<string, string> = {
	'video/quicktime': 'mov',
	'video/matroska': 'mkv',
	'video/vnd.avi': 'avi',
	'audio/mpeg': 'mp3',
	'audio/x-m4a': 'm4a',
	'image/jpeg': 'jpg',
};
const extensionOf = (mime: string): string => EXTENSIONS[mime] ?? mime.split('/')[1]?.replace(/^x-|[^a-z0-9]/g, '') ?? 'bin';
