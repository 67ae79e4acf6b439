import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eq } from 'drizzle-orm';
import { filesOfAsset, filesOfJobs, findJob, insertFiles } from '../../../sidecar/src/db/jobs.ts';
import { assets, files } from '../../../sidecar/src/db/schema.ts';
import type { Operation } from '../../../sidecar/src/operations/operation.ts';
import { choose } from '../../../sidecar/src/pipeline/resolve-media.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { jobView } from '../../../sidecar/src/pipeline/views.ts';
import { videoFacts } from '../../support/facts.ts';
import { createTestPipeline, deliverDue, task, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const never = new AbortController().signal;

/** Two manifests, then segments, as an operation that makes HLS answers them. */
const packaging: Operation = {
	...task('packaging', async () => ({})),
	accepts: ['video'],
	run: async ({ workDir }) => {
		const make = async (name: string, mime: string, part?: true) => {
			const path = join(workDir, name);
			await mkdir(dirname(path), { recursive: true });
			await writeFile(path, name);
			return { name, path, mime, ...(part ? { part } : {}) };
		};
		return {
			output: { rungs: 1 },
			files: [
				await make('hls/manifest.mpd', 'application/dash+xml'),
				await make('hls/master.m3u8', 'application/vnd.apple.mpegurl'),
				await make('hls/init.mp4', 'video/mp4', true),
				await make('hls/seg-1.m4s', 'video/iso.segment', true),
			],
		};
	},
};

describe('the files of a package', () => {
	let pipeline: TestPipeline;
	const sent: string[] = [];

	beforeAll(async () => {
		pipeline = await createTestPipeline({
			operations: [packaging],
			send: async ({ body }) => {
				sent.push(body);
				return { status: 200, contentType: 'application/json', body: '{}' };
			},
		});
	});
	afterAll(() => pipeline.close());

	const newAsset = async () => {
		const id = randomUUID();
		await pipeline.deps.db.insert(assets).values({ id, workspaceId: WORKSPACE, source: 'upload', status: 'ready', storageKey: `raw/acme/${id}.mp4`, facts: videoFacts() });
		return id;
	};

	it('are all stored, but only the manifests are listed: in views, callbacks and what a post may name', async () => {
		const assetId = await newAsset();
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'packaging', params: {}, asset_id: assetId }], callbackUrl: 'http://n8n.test/done' });
		await runJob(pipeline.deps, job!.id, never);
		await deliverDue(pipeline.deps);

		const rows = await pipeline.deps.db.select().from(files).where(eq(files.jobId, job!.id));
		expect(rows.map(({ name, part }) => [name, part]).sort()).toEqual([['hls/init.mp4', true], ['hls/manifest.mpd', false], ['hls/master.m3u8', false], ['hls/seg-1.m4s', true]]);
		for (const { storageKey } of rows) expect(await pipeline.deps.storage.head(storageKey)).not.toBeNull();

		const listed = await filesOfJobs(pipeline.deps.db, [job!.id]);
		const view = jobView((await findJob(pipeline.deps.db, WORKSPACE, job!.id))!, listed, (key) => `http://files.test/${key}`);
		expect(view.output_data?.files?.map(({ name }) => name)).toEqual(['hls/manifest.mpd', 'hls/master.m3u8']);
		expect(view.output_data).not.toHaveProperty('processed_url');
		expect(sent.join()).toContain('hls/master.m3u8');
		expect(sent.join()).not.toMatch(/seg-1|init\.mp4/);

		const ofAsset = await filesOfAsset(pipeline.deps.db, assetId);
		const asset = { id: assetId, facts: null };
		expect(choose({ kind: 'named', file: null, jobId: job!.id }, asset, ofAsset)?.name).toBe('hls/manifest.mpd');
		expect(choose({ kind: 'useful' }, { ...asset, facts: videoFacts() }, ofAsset)).toBeNull();
		expect(() => choose({ kind: 'named', file: 'hls/seg-1.m4s', jobId: null }, asset, ofAsset)).toThrow(/no file "hls\/seg-1\.m4s"/);
	});

	it('may be thousands', async () => {
		const assetId = await newAsset();
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'packaging', params: {}, asset_id: assetId }] });
		// More than one statement's parameters: 65 535 / 14 columns.
		const names = Array.from({ length: 5000 }, (_, index) => `hls/seg-${index}.m4s`);
		await insertFiles(
			pipeline.deps.db,
			names.map((name, position) => ({ id: randomUUID(), workspaceId: WORKSPACE, assetId, jobId: job!.id, name, storageKey: `jobs/acme/x/1/${name}`, mime: 'video/iso.segment', bytes: 1, part: position > 1, position })),
		);
		expect(await pipeline.deps.db.$count(files, eq(files.jobId, job!.id))).toBe(5000);
		expect((await filesOfJobs(pipeline.deps.db, [job!.id])).map(({ name }) => name)).toEqual(['hls/seg-0.m4s', 'hls/seg-1.m4s']);
	});
});
