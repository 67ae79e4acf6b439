import { mayBeOut, type PostRow } from '../../db/posts.ts';
import { PipelineError } from '../../errors.ts';
import { explain } from '../../social/explain.ts';
import { HttpFailure } from '../../social/outcome.ts';
import type { Platform, ReplyTo } from '../../social/platform.ts';
import { isDone, operationKey, publishPost, type PublishDependencies, type PublishedPost, type PublishRequest } from '../../social/publish.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';
import { following, type ResolveMedia } from './assemble.ts';
import { fitMedia, type FitMediaDeps } from './fit-media.ts';
import { createPostParams, subtitleSources, type PostParams } from './post-params.ts';
import { postOf, viewOf } from './post-view.ts';
import { inOneText, preparePost, readSubject, type PreparedPost, type Subject } from './prepare-post.ts';

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
			'`platform`, `status` (`published`, `scheduled`, `skipped`; `deleted` where the same post was made before and has been deleted), `external_post_id`, `permalink`, `post`, `replies` (the further posts), `changes` (what was made to fit), `warnings`; `problems` of a post that was skipped. Files: renditions that were made for the platform.',
		example: { platform: platforms[0]?.name, text: 'Hello from the pipeline' },
		estimateSeconds: (facts) => PROCESSING_SECONDS + (facts ? facts.bytes / UPLOAD_BYTES_PER_SECOND : 0),
		async run(context, given) {
			const { assetId, workspaceId, jobId } = context;
			const { ledger } = publish;
			const confirm = async (): Promise<void> => (assetId === null ? undefined : refusePublishing({ assetId, workspaceId }));
			let earlier = await ledger.ofJob(jobId);
			try {
				// Neither the token nor the files are needed any more.
				if (earlier && isOver(earlier, given)) return answer(earlier);
				const subject = await readSubject({ platforms, resolveMedia }, context, given);
				earlier ??= given.idempotency_key === undefined ? null : await ledger.ofKey(workspaceId, operationKey(identityOf(subject, context, given)));
				if (earlier && isOver(earlier, given)) return answer(earlier);
				// What may be out already is looked up, whatever has been found since: somebody has to know of it to take it down.
				const begun = earlier !== null && mayBeOut(earlier);
				if (!begun) await confirm();
				// One that waited for its turn need not ask again who it is.
				const known = earlier?.jobId === jobId && earlier.accountId !== '' ? { id: earlier.accountId, name: earlier.account } : null;
				const prepared = await context.step('prepare', () => preparePost(publish, context, given, subject, (...fit) => fitMedia(fitting, ...fit), known));
				if (!begun && prepared.problems.length > 0) {
					if (given.on_problem === 'skip') return { output: skipped(prepared) };
					throw new PipelineError('post_invalid', inOneText(prepared.problems), { details: { problems: prepared.problems } });
				}
				const { rows, first } = await context.step('publish', () => publishAll(publish, context, given, prepared, confirm));
				const files = fittedFiles(prepared);
				await Promise.all(files.map(({ name }) => fitting.files.release(context, name)));
				return { output: outputOf(first, rows, prepared.changes), files, cost: { posts: 1 + rows.length } };
			} catch (error) {
				throw inWords(error, given, earlier, context.signal);
			}
		},
	};
	const inWords = (error: unknown, { platform: name }: PostParams, earlier: PostRow | null, signal: AbortSignal): unknown => {
		const platform = platforms.find((known) => known.name === name);
		if (!platform || !(error instanceof HttpFailure || error instanceof PipelineError)) return error;
		// Said already, by whoever knew more.
		if (error instanceof PipelineError && error.details?.['post_status'] !== undefined) return error;
		const open = earlier !== null && earlier.openSince !== null;
		const out = earlier !== null && earlier.externalPostId !== null;
		return explain(error, { platform, postId: earlier?.id ?? null, open, out, signal, now: publish.now?.() ?? new Date() }).error;
	};
	return operation;
}

/** It exists, and neither it nor what follows it is unfinished. */
const isOver = (row: PostRow, { thread = [], first_comment, on_problem, long_text }: PostParams): boolean =>
	isDone(row) && (row.status !== 'published' || (thread.length === 0 && first_comment === undefined && !(on_problem === 'fix' && long_text === 'thread')));

const answer = (row: PostRow) => ({ output: outputOf(row, [], []), cost: { posts: 1 } });

/** What makes it the same post. */
const identityOf = ({ platform, credentials, asked }: Subject, { workspaceId, jobId }: TaskContext, { idempotency_key: key }: PostParams) => ({ platform, credentials, post: asked, workspaceId, jobId, idempotencyKey: key ?? null });

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
		waitedFor: context.waitedFor ?? null,
		confirm,
		signal: context.signal,
		log: context.log,
		// The rest is what the platform does after the upload.
		progress: (percent) => context.progress(Math.round(30 + percent * 0.5)),
	};
	const first = await publishPost(deps, request);
	const rows: PublishedPost[] = [];
	// A scheduled post cannot be answered before it is out, nor one that was deleted.
	if (first.status !== 'published' || first.externalPostId === null) return { first, rows };
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
	const { code, message, details, retryAfterSeconds, untried } = error;
	const status = details?.['post_status'];
	const so = status === 'unknown' || status === 'published' ? 'this is known of' : 'not';
	// "Nothing" would be wrong: the first one is out.
	const why = message.replaceAll('Nothing was posted.', 'It was not posted.');
	return new PipelineError(code, `The post is out${first.permalink ? ` (${first.permalink})` : ''}, but ${so} number ${position} of those that follow it: ${why}`, {
		details: { ...details, parent_post_id: first.id, permalink: first.permalink, external_post_id: first.externalPostId },
		cause: error,
		...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
		untried,
	});
}

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
