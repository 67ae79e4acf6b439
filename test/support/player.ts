import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import { assets, files, jobs } from '../../sidecar/src/db/schema.ts';
import { probe } from '../../sidecar/src/media/probe.ts';
import { adaptive } from '../../sidecar/src/operations/video/adaptive.ts';
import { thumbnail } from '../../sidecar/src/operations/video/thumbnail.ts';
import type { MediaOperation } from '../../sidecar/src/operations/operation.ts';
import { jobKey, rawKey } from '../../sidecar/src/storage/keys.ts';
import { runOperationOn } from './engine.ts';
import { WORKSPACE, type TestPipeline } from './pipeline.ts';

const run = promisify(execFile);

/** Chromium of Debian, without a sandbox: the tests may run as root. */
export const launchChromium = (): Promise<Browser> => chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'] });

/** 12 s: each 3 s another colour, so that one sees which second is shown. */
export async function colours(path: string): Promise<string> {
	const part = (color: string) => ['-f', 'lavfi', '-i', `color=${color}:size=640x360:rate=25:duration=3`];
	await run('ffmpeg', ['-v', 'error', ...part('0x8a2be2'), ...part('0x1e7d4f'), ...part('0xb5651d'), ...part('0x24527a'), '-f', 'lavfi', '-i', 'sine=frequency=330:duration=12', '-filter_complex', '[0][1][2][3]concat=n=4:v=1:a=0,format=yuv420p[v]', ...['-map', '[v]', '-map', '4:a', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-c:a', 'aac', '-movflags', '+faststart', path]]);
	return path;
}

/** An asset that is ready, of a file on this disk. Answers its id. */
export async function addAsset(pipeline: TestPipeline, path: string, change: Partial<typeof assets.$inferInsert> = {}): Promise<string> {
	const { deps, folder } = pipeline;
	const id = randomUUID();
	const facts = await probe(path);
	const key = rawKey(WORKSPACE, id, 'mp4');
	const copy = join(folder, `${id}.mp4`);
	await copyFile(path, copy);
	const { bytes } = await deps.storage.putFile(key, copy);
	await deps.db.insert(assets).values({
		...{ id, workspaceId: WORKSPACE, source: 'upload', fileType: 'video' as const, storageKey: key, mime: 'video/mp4', bytes, facts, status: 'ready' as const },
		...{ width: facts.video?.width ?? null, height: facts.video?.height ?? null, durationSeconds: facts.durationSeconds },
		...change,
	});
	return id;
}

/** A completed job of the asset with these files. */
export async function addJob(pipeline: TestPipeline, assetId: string, jobType: string, output: Record<string, unknown>, made: Array<{ name: string; path: string; mime: string; part?: boolean; width?: number; height?: number }>): Promise<string> {
	const { db, storage } = pipeline.deps;
	const id = randomUUID();
	await db.insert(jobs).values({ id, workspaceId: WORKSPACE, assetId, jobType, status: 'completed', params: {}, output, completedAt: new Date() });
	for (const [position, { name, path, mime, part, width, height }] of made.entries()) {
		const { bytes } = await storage.putFile(jobKey(WORKSPACE, `${id}/1`, name), path);
		await db.insert(files).values({ id: randomUUID(), workspaceId: WORKSPACE, assetId, jobId: id, name, storageKey: jobKey(WORKSPACE, `${id}/1`, name), mime, bytes, part: part ?? false, position, width: width ?? null, height: height ?? null });
	}
	return id;
}

/** Runs the operation for real, and stores what it made as a job of the asset. */
const made = <P, M>(pipeline: TestPipeline, assetId: string, path: string, operation: MediaOperation<P, M>, params: unknown): Promise<string> =>
	runOperationOn(operation, path, params, (result) => addJob(pipeline, assetId, operation.name, result.output, result.files));

export const addLadder = (pipeline: TestPipeline, assetId: string, path: string) => made(pipeline, assetId, path, adaptive, { heights: [360, 144], segment_seconds: 1 });
export const addThumbnail = (pipeline: TestPipeline, assetId: string, path: string) => made(pipeline, assetId, path, thumbnail, { at: 4, format: 'webp' });
