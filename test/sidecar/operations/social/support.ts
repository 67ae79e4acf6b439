import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { storeEngagement } from '../../../../sidecar/src/db/engagement.ts';
import { createPostLedger } from '../../../../sidecar/src/db/posts.ts';
import { assets, events, jobs, posts } from '../../../../sidecar/src/db/schema.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import type { TaskContext } from '../../../../sidecar/src/operations/operation.ts';
import type { FitMediaDeps } from '../../../../sidecar/src/operations/social/fit-media.ts';
import { createSocialOperations } from '../../../../sidecar/src/operations/social/index.ts';
import type { Engagement, Platform, PostMedia } from '../../../../sidecar/src/social/platform.ts';
import type { PublishDependencies } from '../../../../sidecar/src/social/publish.ts';
import { dependencies, WORKSPACE, type Clock } from '../../social/support.ts';
import type { Stage } from '../../social/stages/stage.ts';

const never = () => Promise.reject(new Error('not needed'));
export const NO_FITTING: FitMediaDeps = { runPlan: never, probe: never, files: { find: never, keep: never, release: never } };

export interface World {
	database: OpenDatabase;
	clock: Clock;
	folder: string;
	stages: readonly Stage[];
	/** What the asset of each job has. */
	media: PostMedia[];
	/** In place of what the stages give. */
	platforms?: readonly Platform[];
	fitting?: FitMediaDeps;
	publish?: Partial<PublishDependencies>;
}

/** Runs an operation on posts by its name, as a worker would. */
export async function operate(world: World, name: string, given: Record<string, unknown>, more: Partial<TaskContext> = {}): Promise<Record<string, unknown>> {
	const platforms = world.platforms ?? world.stages.map((stage) => stage.platform());
	const operation = createSocialOperations({
		platforms,
		publish: dependencies(world.database, world.clock, world.publish),
		db: world.database.db,
		resolveMedia: async (_, reference) => {
			const one = world.media[reference.kind === 'named' && reference.file !== null ? Number(/\d+/.exec(reference.file)?.[0]) - 1 : 0];
			if (!one) throw new PipelineError('not_found', 'There is no such file.');
			const { path, mime, bytes, facts, sha256 } = one;
			return { path, mime, bytes, facts, sha256, url: null };
		},
		fitting: world.fitting ?? NO_FITTING,
		refusePublishing: async () => {},
	}).find((one) => one.name === name);
	if (operation?.kind !== 'task') throw new Error(`there is no ${name}`);
	const { output } = await operation.run(await contextOf(world, more), operation.params.parse(given));
	return output;
}

export async function newJob({ database }: World, params: Record<string, unknown> = {}): Promise<{ jobId: string; assetId: string }> {
	const [assetId, jobId] = [randomUUID(), randomUUID()];
	await database.db.insert(assets).values({ id: assetId, workspaceId: WORKSPACE, source: 'url', status: 'ready' });
	await database.db.insert(jobs).values({ id: jobId, workspaceId: WORKSPACE, assetId, jobType: 'publish', status: 'processing', params });
	return { jobId, assetId };
}

async function contextOf(world: World, more: Partial<TaskContext>): Promise<TaskContext> {
	const secrets = secretsOf(world.stages[0]);
	return {
		...(more.jobId === undefined ? await newJob(world) : { jobId: more.jobId, assetId: null }),
		workspaceId: WORKSPACE,
		attempt: 1,
		source: never,
		open: never,
		earlierOutput: never,
		readStored: never,
		workDir: world.folder,
		secrets,
		signal: new AbortController().signal,
		progress: () => {},
		step: (_, work) => work(),
		log: pino({ level: 'silent' }),
		...more,
	};
}

/** As a request has them. */
export const secretsOf = (stage: Stage | undefined): Record<string, string> => {
	if (!stage) return {};
	const { accessToken, baseUrl, extra } = stage.credentials;
	return { access_token: accessToken, ...(baseUrl === null ? {} : { base_url: baseUrl }), ...extra };
};

export const caught = (work: Promise<unknown>): Promise<PipelineError> =>
	work.then(
		(value) => {
			throw new Error(`it should have failed: ${JSON.stringify(value)}`);
		},
		(error: unknown) => {
			if (error instanceof PipelineError) return error;
			throw error;
		},
	);

export const ledgerOf = ({ database }: World) => createPostLedger(database.db);

export const eventTypes = async ({ database }: World): Promise<string[]> => (await database.db.select().from(events).orderBy(events.id)).map(({ type }) => type).filter((type) => type.startsWith('post.'));

/** Between two tests on one database. */
export async function forgetPosts({ database }: World): Promise<void> {
	await database.db.delete(events);
	await database.db.delete(posts);
}

export const NO_NUMBERS: Engagement = { views: null, likes: null, comments: null, shares: null, saves: null, clicks: null };

/** A post on X that is out, with these numbers. */
export async function storePost({ db }: OpenDatabase, publishedAt: Date, more: Partial<typeof posts.$inferInsert> = {}, numbers: Partial<Engagement> | null = null): Promise<string> {
	const id = randomUUID();
	await db.insert(posts).values({ id, workspaceId: WORKSPACE, platform: 'x', operationKey: id, status: 'published', externalPostId: id, publishedAt, createdAt: publishedAt, measureAt: publishedAt, ...more });
	if (numbers) await storeEngagement(db, id, new Date(), { ...NO_NUMBERS, ...numbers }, null);
	return id;
}

export const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
