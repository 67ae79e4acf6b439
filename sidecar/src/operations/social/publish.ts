import { PipelineError } from '../../errors.ts';
import type { Platform, ReplyTo } from '../../social/platform.ts';
import { publishPost, type PublishDependencies, type PublishedPost, type PublishRequest } from '../../social/publish.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';
import { following, type ResolveMedia } from './assemble.ts';
import { fitMedia, type FitMediaDeps } from './fit-media.ts';
import { createPostParams, subtitleSources, type PostParams } from './post-params.ts';
import { postOf, viewOf } from './post-view.ts';
import { inOneText, preparePost, type PreparedPost } from './prepare-post.ts';

export interface PublishOptions {
	/** By name. */
	platforms: readonly Platform[];
	publish: PublishDependencies;
	resolveMedia: ResolveMedia;
	fitting: FitMediaDeps;
	/** Throws where nothing may be posted of an asset, not even words. Asked at the beginning, and before each publishing call. */
	refusePublishing(asset: { assetId: string; workspaceId: string }): Promise<void>;
}

/** Uploads hardly get faster than this; what the platform does with it takes a while, too. */
const UPLOAD_BYTES_PER_SECOND = 2_000_000;
const PROCESSING_SECONDS = 15;

/** `publish`: one post on one platform, with what follows it, each at most once. */
export function createPublish({ platforms, publish, resolveMedia, fitting, refusePublishing }: PublishOptions) {
	const params = createPostParams(platforms);
	const operation: TaskOperation<PostParams> = {
		kind: 'task',
		name: 'publish',
		version: 2,
		summary: 'Publishes a post with text and media on a social platform, at most once.',
		// A post waits until a scan that is under way has let its media pass.
		buildsOn: ['safety_scan'],
		alsoBuildsOn: subtitleSources,
		accepts: 'none',
		params,
		produces:
			'`platform`, `status` (`published`, `scheduled`, `skipped`), `external_post_id`, `permalink`, `post`, `replies` (the further posts), `changes` (what was made to fit), `warnings`; `problems` of a post that was skipped. Files: renditions that were made for the platform.',
		example: { platform: platforms[0]?.name, text: 'Hello from the pipeline' },
		estimateSeconds: (facts) => PROCESSING_SECONDS + (facts ? facts.bytes / UPLOAD_BYTES_PER_SECOND : 0),
		async run(context, given) {
			const { assetId, workspaceId } = context;
			const confirm = async (): Promise<void> => (assetId === null ? undefined : refusePublishing({ assetId, workspaceId }));
			// What may be out already is looked up, whatever has been found since: somebody has to know of it to take it down.
			const mayBeOut = await publish.ledger.mayBeOut(context.jobId);
			if (!mayBeOut) await confirm();
			// One that waited for its turn need not ask again who it is.
			const known = await publish.ledger.accountOf(context.jobId);
			const prepared = await context.step('prepare', () => preparePost({ platforms, run: publish, resolveMedia }, context, given, (...fit) => fitMedia(fitting, ...fit), known));
			if (!mayBeOut && prepared.problems.length > 0) {
				if (given.on_problem === 'skip') return { output: skipped(prepared) };
				const { problems, platform } = prepared;
				throw new PipelineError('post_invalid', inOneText(problems), { details: { problems, platform: platform.name, post_status: 'failed' } });
			}
			const { rows, first } = await context.step('publish', () => publishAll(publish, context, given, prepared, confirm));
			return { output: outputOf(first, rows, prepared.changes), files: fittedFiles(prepared), cost: { posts: 1 + rows.length } };
		},
	};
	return operation;
}

/** The first post, then each one that follows it: none before the one before it is out. */
async function publishAll(deps: PublishDependencies, context: TaskContext, given: PostParams, prepared: PreparedPost, confirm: () => Promise<void>): Promise<{ first: PublishedPost; rows: PublishedPost[] }> {
	const { platform, credentials, settings, asked, post, thread, comment, checked } = prepared;
	const request: PublishRequest = {
		platform,
		post,
		asked,
		credentials,
		settings,
		account: checked.account,
		workspaceId: context.workspaceId,
		assetId: context.assetId,
		jobId: context.jobId,
		idempotencyKey: given.idempotency_key ?? null,
		experiment: given.experiment ?? null,
		confirm,
		signal: context.signal,
		log: context.log,
		// The rest is what the platform does after the upload.
		progress: (percent) => context.progress(Math.round(30 + percent * 0.5)),
	};
	const first = await publishPost(deps, request);
	const rows: PublishedPost[] = [];
	// A scheduled post cannot be answered before it is out.
	if (first.status === 'scheduled' || first.externalPostId === null) return { first, rows };
	const rootId = first.externalPostId;
	let before: ReplyTo = { remoteId: rootId, rootId };
	const follow = async (text: string, replyTo: ReplyTo): Promise<PublishedPost> => {
		const row = await publishPost(deps, {
			...request,
			post: following(post, text, replyTo),
			asked: undefined,
			experiment: null,
			following: { parentId: first.id, parentKey: first.operationKey, position: rows.length + 1 },
			progress: () => {},
		}).catch((error: unknown) => {
			throw afterTheFirst(error, first, rows.length + 1);
		});
		rows.push(row);
		return row;
	};
	for (const text of thread) {
		const row = await follow(text, before);
		before = { remoteId: row.externalPostId ?? before.remoteId, rootId };
	}
	// Under the first post, where it is seen.
	if (comment !== null) await follow(comment, { remoteId: rootId, rootId });
	return { first, rows };
}

/** The first post is out whatever became of this one: the message says so. */
function afterTheFirst(error: unknown, first: PublishedPost, position: number): unknown {
	if (!(error instanceof PipelineError)) return error;
	const { code, message, details, retryAfterSeconds } = error;
	return new PipelineError(code, `The post is out${first.permalink ? ` (${first.permalink})` : ''}, but not the ${ordinal(position)} one that follows it: ${message}`, {
		details: { ...details, parent_post_id: first.id, permalink: first.permalink, external_post_id: first.externalPostId },
		cause: error,
		...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
	});
}

const ordinal = (position: number): string => `${position}${['st', 'nd', 'rd'][position - 1] ?? 'th'}`;

const skipped = ({ platform, problems }: PreparedPost): Record<string, unknown> => ({ platform: platform.name, status: 'skipped', external_post_id: null, permalink: null, problems });

/** Renditions that were made: files of the job, as anything else it makes. */
const fittedFiles = ({ asked, post }: PreparedPost) =>
	post.media.flatMap((media, index) => {
		if (media.path === asked.media[index]?.path) return [];
		const { video, durationSeconds } = media.facts;
		return [{ name: `fitted-${index + 1}${media.mime.startsWith('image/') ? '.jpg' : '.mp4'}`, path: media.path, mime: media.mime, ...(video ? { width: video.width, height: video.height } : {}), ...(durationSeconds > 0 ? { durationSeconds } : {}) }];
	});

function outputOf(first: PublishedPost, rows: PublishedPost[], changes: string[]): Record<string, unknown> {
	const warnings = [first, ...rows].flatMap((row) => row.warnings ?? []);
	return {
		...viewOf(first),
		...(rows.length > 0 ? { replies: rows.map(postOf) } : {}),
		...(changes.length > 0 ? { changes } : {}),
		...(warnings.length > 0 ? { warnings } : {}),
	};
}
