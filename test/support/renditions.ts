import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { assets } from '../../sidecar/src/db/schema.ts';
import type { Database } from '../../sidecar/src/db/database.ts';
import type { MediaOperation } from '../../sidecar/src/operations/operation.ts';
import type { WorkerDeps } from '../../sidecar/src/pipeline/worker-deps.ts';
import { videoFacts } from './facts.ts';

const params = z.strictObject({ height: z.number().default(360), manifest: z.boolean().default(false) });

/** A media operation whose ffmpeg is the test's: what is under test is how often it is asked. */
export const rung: MediaOperation<z.infer<typeof params>> = {
	kind: 'media',
	name: 'rung',
	version: 1,
	summary: '',
	accepts: ['video'],
	params,
	example: {},
	plan: (_facts, { height, manifest }) => ({
		outputs: [
			manifest
				? { name: 'hls/master.m3u8', kind: 'package', mime: 'application/vnd.apple.mpegurl', options: [], expectedSeconds: 1 }
				: { name: `rung-${height}.mp4`, kind: 'video', mime: 'video/mp4', options: [], expectedSeconds: 1 },
		],
		estimatedCpuSeconds: 8,
	}),
};

export interface Encoder {
	runs: number;
	runPlan: WorkerDeps['runPlan'];
	/** Until this is resolved nothing is finished. */
	gate: Promise<void>;
	/** Thrown instead of a result. */
	fails: Error | null;
}

export function encoder(): Encoder {
	const made: Encoder = {
		runs: 0,
		gate: Promise.resolve(),
		fails: null,
		runPlan: async ({ plan, workDir }) => {
			made.runs += 1;
			await made.gate;
			if (made.fails) throw made.fails;
			const files = plan.outputs.flatMap(({ name, mime }) => [
				{ name, mime, path: join(workDir, name) },
				{ name: 'poster.jpg', mime: 'image/jpeg', path: join(workDir, 'poster.jpg') },
			]);
			for (const { path, name } of files) {
				await mkdir(dirname(path), { recursive: true });
				await writeFile(path, `content of ${name}`);
			}
			return { files, texts: {}, cpuSeconds: 1 };
		},
	};
	return made;
}

/** A stored video, as far as the database knows. */
export async function storedVideo(db: Database, workspaceId: string): Promise<string> {
	const id = randomUUID();
	await db.insert(assets).values({ id, workspaceId, source: 'upload', status: 'ready', storageKey: `raw/x/${id}.mp4`, sha256: randomUUID(), facts: videoFacts(), bytes: 5 });
	return id;
}
