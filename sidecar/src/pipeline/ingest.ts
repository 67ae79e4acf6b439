import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { findAsset, type AssetRow } from '../db/assets.ts';
import { PipelineError } from '../errors.ts';
import type { MediaFacts } from '../media/facts.ts';
import { rawKey } from '../storage/keys.ts';
import { localFile, type Execution } from './execute.ts';
import type { Outcome } from './finish.ts';
import type { Place, WorkerDeps } from './worker-deps.ts';

type Completed = Extract<Outcome, { status: 'completed' }>;

/**
 * Brings the bytes of an asset into storage and finds out what they are. An asset that has them already (another job
 * brought them) is answered as it is.
 */
export async function executeIngest(deps: WorkerDeps, execution: Execution): Promise<Completed> {
	const { job } = execution;
	const asset = job.assetId ? await findAsset(deps.db, job.workspaceId, job.assetId) : null;
	if (!asset) throw new PipelineError('not_found', 'The asset of this job is gone.');
	if (asset.facts && asset.storageKey) return { status: 'completed', output: describe(asset.facts) };
	if (asset.storageKey) return probeUpload(deps, execution, asset, asset.storageKey);
	if (!job.source) throw new PipelineError('input_not_found', 'The sidecar does not know any more where to fetch this asset from. Ingest it again.');
	return download(deps, execution, asset, JSON.parse(deps.vault.open(job.source)) as Place);
}

async function download(deps: WorkerDeps, execution: Execution, asset: AssetRow, place: Place): Promise<Completed> {
	const { job, workDir, signal, step, progress } = execution;
	const path = join(workDir, 'source');
	const secrets = job.secret ? (JSON.parse(deps.vault.open(job.secret)) as Record<string, string>) : {};
	const fetched = await step('download', () => deps.fetchSource({ place, secrets, destPath: path, signal, onProgress: (percent) => progress(percent * 0.9) }));
	const facts = await step('probe', () => deps.probe(path, { signal }));
	const storageKey = rawKey(asset.workspaceId, asset.id, extensionOf(facts.mime));
	await step('store', () => deps.storage.putFile(storageKey, path));
	return done(facts, { storageKey, sha256: fetched.sha256, metadata: { file_name: fetched.fileName, ...asset.metadata } });
}

/** The browser or the node has put the bytes into storage; what they are is still to be found out. */
async function probeUpload(deps: WorkerDeps, execution: Execution, asset: AssetRow, storageKey: string): Promise<Completed> {
	const path = await localFile(deps, execution, storageKey, 'source');
	if ((await stat(path)).size === 0) throw new PipelineError('input_empty', 'The uploaded file is empty (0 bytes).');
	const facts = await execution.step('probe', () => deps.probe(path, { signal: execution.signal }));
	const hash = createHash('sha256');
	await execution.step('checksum', async () => pipeline(await deps.storage.read(storageKey), hash, { signal: execution.signal }));
	return done(facts, { storageKey, sha256: hash.digest('hex'), metadata: asset.metadata });
}

function done(facts: MediaFacts, stored: { storageKey: string; sha256: string; metadata: Record<string, unknown> }): Completed {
	return {
		status: 'completed',
		output: describe(facts),
		asset: {
			...stored,
			facts,
			fileType: facts.fileType,
			mime: facts.mime,
			bytes: facts.bytes,
			durationSeconds: facts.durationSeconds,
			width: facts.video?.width ?? null,
			height: facts.video?.height ?? null,
		},
		cost: { storage_bytes: facts.bytes },
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

/** Plain fields that an n8n expression can use. */
function describe(facts: MediaFacts): Record<string, unknown> {
	return {
		file_type: facts.fileType,
		mime: facts.mime,
		file_size_bytes: facts.bytes,
		duration_seconds: facts.durationSeconds,
		width: facts.video?.width ?? null,
		height: facts.video?.height ?? null,
		frame_rate: facts.video?.frameRate ?? null,
		video_codec: facts.video?.codec ?? null,
		audio_codec: facts.audio?.codec ?? null,
		audio_channels: facts.audio?.channels ?? 0,
	};
}
