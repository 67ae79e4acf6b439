import { and, desc, eq, inArray } from 'drizzle-orm';
import type { AssetRow } from '../db/assets.ts';
import type { Executor } from '../db/database.ts';
import { files, jobs } from '../db/schema.ts';
import { ofCurrentVersion } from '../db/versions.ts';
import { PipelineError } from '../errors.ts';

/** What these make shows and sounds the same as the original: others can go on from it. */
const FAITHFUL = ['convert', 'compress', 'image_convert', 'image_resize', 'strip_metadata'];

type Rendition = Pick<typeof files.$inferSelect, 'storageKey' | 'mime' | 'width' | 'height' | 'durationSeconds' | 'part' | 'createdAt'>;

/**
 * Pure: which of the renditions (newest first) can stand for an original that is gone: of the same kind, as long, not cut to another shape;
 * the one with the most pixels, of those the newest. Null: none.
 */
export function standIn<R extends Rendition>({ fileType, durationSeconds, width, height }: Pick<AssetRow, 'fileType' | 'durationSeconds' | 'width' | 'height'>, renditions: readonly R[]): R | null {
	const near = (a: number, b: number, tolerance: number): boolean => Math.abs(a - b) <= tolerance * Math.max(a, b);
	const fits = renditions.filter((file) => {
		if (file.part || !fileType || !file.mime.startsWith(`${fileType}/`)) return false;
		if (fileType !== 'image' && durationSeconds && file.durationSeconds !== null && Math.abs(file.durationSeconds - durationSeconds) > Math.max(0.5, durationSeconds * 0.02)) return false;
		return fileType === 'audio' || !width || !height || (file.width !== null && file.height !== null && near(file.width / file.height, width / height, 0.02));
	});
	const pixels = (file: R): number => (file.width ?? 0) * (file.height ?? 0);
	return fits.reduce<R | null>((best, file) => (best === null || pixels(file) > pixels(best) ? file : best), null);
}

/**
 * Where the media of an asset can be read: its original, or what the policy has put in its place. `probeAgain`: the facts of the asset are not
 * those of this file. Throws `input_not_found`.
 */
export async function storedSource(db: Executor, asset: AssetRow): Promise<{ key: string; probeAgain: boolean }> {
	if (asset.storageKey && asset.facts) return { key: asset.storageKey, probeAgain: false };
	if (asset.originalState !== 'deleted') throw new PipelineError('input_not_found', 'The media of this job is not stored. Ingest it again.');
	const rows = await db
		.select({ file: files })
		.from(files)
		.innerJoin(jobs, eq(jobs.id, files.jobId))
		.where(and(eq(files.assetId, asset.id), eq(files.workspaceId, asset.workspaceId), inArray(jobs.jobType, FAITHFUL), ofCurrentVersion()))
		.orderBy(desc(files.createdAt));
	const rendition = standIn(asset, rows.map(({ file }) => file));
	if (rendition) return { key: rendition.storageKey, probeAgain: true };
	throw new PipelineError('input_not_found', 'The original was deleted by the policy of the workspace (originals: delete, after retention.raw_days days), and no converted or compressed version of it is there to work on. Ingest it again.', {
		details: { original_state: 'deleted' },
	});
}
