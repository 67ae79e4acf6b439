import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { eq } from 'drizzle-orm';
import { allOperations } from '../../../scripts/lib/docs/all-operations.ts';
import { pipelineDefinitionSchema, type PipelineDefinition, type PipelineStep } from '../../../sidecar/src/contract/pipelines.ts';
import { processRequestSchema } from '../../../sidecar/src/contract/requests.ts';
import { findAsset, insertAssets } from '../../../sidecar/src/db/assets.ts';
import { callbacks, events, jobs, pipelines } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { removeAsset } from '../../../sidecar/src/pipeline/delete-asset.ts';
import { checkPipeline, DEFAULT_PIPELINE, SHIPPED } from '../../../sidecar/src/pipeline/pipelines.ts';
import { submitProcess } from '../../../sidecar/src/pipeline/process.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { videoFacts } from '../../support/facts.ts';
import { createTestPipeline, noop, task, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

it('the pipeline that docs/pipelines.md shows can be saved, and so can the one that comes with the program', async () => {
	const operations = new Map(allOperations().map((operation) => [operation.name, operation]));
	const page = await readFile(new URL('../../../docs/pipelines.md', import.meta.url), 'utf8');
	const example = /-d '(\{.*?\n\})'/s.exec(page)?.[1] ?? '';
	expect(() => checkPipeline(operations, pipelineDefinitionSchema.parse(JSON.parse(example)))).not.toThrow();
	expect(() => checkPipeline(operations, SHIPPED[DEFAULT_PIPELINE] as PipelineDefinition)).not.toThrow();
});

const never = new AbortController().signal;

describe('jobs of a saved pipeline', () => {
	let pipeline: TestPipeline;
	let asset: string;
	let ran: string[];
	beforeEach(async () => {
		ran = [];
		const guard = { ...task('guard', async () => { throw new PipelineError('provider_not_configured', 'Nobody looks at pictures here.'); }), guards: () => true };
		const work = task('work', async () => { ran.push('work'); return {}; });
		const missing = task('missing', async () => { throw new PipelineError('provider_not_configured', 'Nobody transcribes here.'); });
		pipeline = await createTestPipeline({ operations: [noop(), guard, work, missing], triggers: { process: null, distribute: 'http://n8n.test/webhook/distribute' } });
		asset = randomUUID();
		await insertAssets(pipeline.database.db, [{ id: asset, workspaceId: WORKSPACE, source: 'url', status: 'ready', facts: videoFacts(), storageKey: `raw/acme/${asset}.mp4` }]);
	});
	afterEach(() => pipeline.close());

	/** As another version of the program may have stored it. */
	const save = async (steps: Array<Partial<PipelineStep>>) => {
		await pipeline.database.db.insert(pipelines).values({ id: randomUUID(), workspaceId: WORKSPACE, name: 'saved', version: 3, definition: { steps } });
	};
	const process = async (more: Record<string, unknown> = {}) =>
		transact(pipeline.database.forWorkspace(WORKSPACE), (tx) => submitProcess(pipeline.deps, tx, WORKSPACE, processRequestSchema.parse({ asset_id: asset, pipeline: 'saved', ...more })));
	it('add their destinations to those of each other, of an asset that is in the library', async () => {
		await pipeline.database.db.insert(pipelines).values(['one', 'two'].map((name) => ({ id: randomUUID(), workspaceId: WORKSPACE, name, version: 1, definition: { steps: [{ operation: 'noop' }], destinations: { metadata: { [name]: true } } } })));
		await pipeline.submit({ items: ['one', 'two'].map((name) => ({ operation: 'ingest', params: {}, asset_id: asset, pipeline: name })) });
		expect((await findAsset(pipeline.database.db, WORKSPACE, asset))?.metadata).toEqual({ one: true, two: true, pipeline: 'two' });
	});

	const run = async () => {
		for (const { id } of await pipeline.database.db.select({ id: jobs.id }).from(jobs).orderBy(jobs.createdAt)) await runJob(pipeline.deps, id, never);
		return Object.fromEntries((await pipeline.database.db.select().from(jobs)).map(({ jobType, status, output }) => [jobType, output?.['skipped'] === undefined ? status : 'skipped']));
	};
	const told = async () => (await pipeline.database.db.select().from(callbacks)).map(({ kind }) => kind);

	it.each<[name: string, step: Partial<PipelineStep>, words: string]>([
		['operation', { operation: 'sharpen' }, 'pipeline saved@3: steps.1.operation: there is no operation "sharpen"'],
		['parameter', { operation: 'work', params: { force: 3 } }, 'pipeline saved@3: steps.1.params.force: there is no such field'],
	])('name the pipeline and its step where an upgrade has taken its %s', async (_name, step, words) => {
		await save([{ operation: 'noop' }, step]);
		await expect(process()).rejects.toThrow(words);
		await expect(pipeline.submit({ items: [{ operation: 'ingest', params: {}, asset_id: asset, pipeline: 'saved' }] })).rejects.toThrow(`items.0.${words}`);
	});

	it('that may be left out are skipped where nobody can do them, but a guard among them still guards', async () => {
		await save([{ operation: 'missing', optional: true }]);
		await process();
		expect([await run(), await told()]).toEqual([{ missing: 'skipped' }, ['distribute']]);
		await pipeline.database.db.delete(pipelines);
		await save([{ operation: 'guard', optional: true }, { operation: 'work', optional: true }]);
		await process();
		expect(await run()).toEqual({ missing: 'skipped', guard: 'failed', work: 'failed' });
		expect(ran).toEqual([]);
		expect([(await findAsset(pipeline.database.db, WORKSPACE, asset))?.status, await told()]).toEqual(['failed', ['distribute']]);
	});

	it('keep their condition when n8n runs them as its own', async () => {
		pipeline.deps.triggers.process = 'http://n8n.test/webhook/process';
		await save([{ operation: 'work', when: { file_type: 'image' } }]);
		const { jobs: [held] } = await process();
		await pipeline.submit({ items: [{ operation: 'work', params: {}, asset_id: asset, job_id: held?.id }] });
		expect([held?.held, await run(), ran]).toEqual([true, { work: 'skipped' }, []]);
	});

	it('that wait when the asset is deleted end without a word that it is processed', async () => {
		await save([{ operation: 'work', optional: true }]);
		await process({ callback_url: 'http://mine.test/done' });
		await removeAsset({ ...pipeline.deps, uploadFolder: pipeline.folder }, pipeline.database.forWorkspace(WORKSPACE), WORKSPACE, asset);
		const types = (await pipeline.database.db.select().from(events).where(eq(events.assetId, asset))).map(({ type }) => type);
		expect(types.filter((type) => type.startsWith('asset.'))).toEqual(['asset.deleted']);
		expect(await told()).toEqual([]);
		expect(await run()).toEqual({ work: 'cancelled' });
	});
});
