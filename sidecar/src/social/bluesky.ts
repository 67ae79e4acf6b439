import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { withoutMetadata } from './bluesky/picture.ts';
import { blobSchema, blueskySettings, isVideo, keyOf, limitsFor, mentionsOf, partsOf, PICTURE_BYTES, preparedSchema, recordOf, refSchema, THUMB_BYTES, wellFormed, type Blob } from './bluesky/record.ts';
import { blueskySessions } from './bluesky/session.ts';
import { blueskyVideo } from './bluesky/video.ts';
import type { Http } from './http.ts';
import { HttpFailure } from './outcome.ts';
import type { AccountRun, CheckResult, Engagement, FinishResult, LookResult, Platform, PlatformRun, Published, ReconcileResult } from './platform.ts';

export interface BlueskyOptions {
	/** The account's server is named by the user: this must go through the SSRF guard. */
	http: Http;
	/** To the video service, whose host is a setting of the operator. */
	videoHttp: Http;
	/** Default https://video.bsky.app */
	videoBaseUrl?: string;
	/** Where posts are seen. Default https://bsky.app */
	webBaseUrl?: string;
}

const COLLECTION = 'app.bsky.feed.post';
/** Longest a publishing call may take: less than the lease of a claim. */
const PUBLISH_TIMEOUT_SECONDS = 30;
/** platforms.md 9.3: every 1 to 3 s. */
const FIRST_POLL_SECONDS = 1;
const LONGEST_POLL_SECONDS = 3;
/** app.bsky.feed.getPosts */
const POSTS_A_CALL = 25;

const stateSchema = preparedSchema.extend({
	/** Of the video that is being processed. */
	jobId: z.string().nullable().default(null),
	polls: z.number().default(0),
	/** Mentions and the answered post have been looked up. */
	resolved: z.boolean().default(false),
});
type State = z.infer<typeof stateSchema>;

const recordAnswer = refSchema.extend({ value: z.looseObject({ text: z.string().optional(), createdAt: z.string().optional() }) });
const count = z.number().default(0);
const postsAnswer = z.object({
	posts: z.array(z.object({ uri: z.string(), likeCount: count, repostCount: count, replyCount: count, quoteCount: count, bookmarkCount: count.nullish() })),
});

/** Bluesky, and other servers of the AT Protocol (platforms.md 9). */
export function createBluesky({ http, videoHttp, videoBaseUrl = 'https://video.bsky.app', webBaseUrl = 'https://bsky.app' }: BlueskyOptions): Platform {
	const sessions = blueskySessions(http);
	const video = blueskyVideo({ http: videoHttp, baseUrl: videoBaseUrl, sessions });

	const permalink = (who: string, rkey: string) => `${webBaseUrl.replace(/\/$/, '')}/profile/${who}/post/${rkey}`;
	const published = (run: AccountRun, uri: string): Published => {
		const parts = partsOf(uri);
		return { state: 'published', remoteId: uri, permalink: parts ? permalink(handleOf(run) ?? parts.repo, parts.rkey) : null };
	};

	/** Null: not known, or a name whose domain no longer says that it is the account's: nothing is found under that. */
	const handleOf = ({ account }: AccountRun): string | null => (account === null || account.name === 'handle.invalid' ? null : account.name);

	async function uploadBlob(run: PlatformRun, action: string, content: Buffer, mime: string): Promise<Blob> {
		const { data } = await sessions.send(run, {
			action,
			effect: 'upload',
			method: 'POST',
			nsid: 'com.atproto.repo.uploadBlob',
			body: { kind: 'bytes', content, mime },
			schema: z.object({ blob: blobSchema }),
		});
		return data.blob;
	}

	/** Null: no such record. */
	async function readRecord(run: AccountRun, uri: string): Promise<z.infer<typeof recordAnswer> | null> {
		const parts = partsOf(uri);
		if (!parts) throw new PipelineError('invalid_request', `"${uri}" is no post on Bluesky: its address begins with at://did:.`);
		try {
			const { data } = await sessions.send(run, { action: 'read the post', effect: 'read', method: 'GET', nsid: 'com.atproto.repo.getRecord', query: parts, schema: recordAnswer });
			return data;
		} catch (error) {
			if (error instanceof HttpFailure && (error.platformCode === 'RecordNotFound' || /could not locate record/i.test(error.detail))) return null;
			throw error;
		}
	}

	/** Null: nobody has this handle. */
	async function resolve(run: PlatformRun, handle: string): Promise<string | null> {
		try {
			const action = `look up @${handle}`;
			const { data } = await sessions.send(run, { action, bucket: 'look up a handle', effect: 'read', method: 'GET', nsid: 'com.atproto.identity.resolveHandle', query: { handle }, schema: z.object({ did: z.string() }) });
			return data.did;
		} catch (error) {
			if (error instanceof HttpFailure && (error.status === 400 || error.status === 404) && error.decision === 'stop') return null;
			throw error;
		}
	}

	/** What the record names: accounts, and the posts that it answers. */
	async function resolveAll(run: PlatformRun, state: State): Promise<State> {
		const mentions: State['mentions'] = {};
		for (const handle of mentionsOf(run.post.text)) mentions[handle] = await resolve(run, handle);
		const { replyTo } = run.post;
		if (!replyTo) return { ...state, mentions, resolved: true };
		const refOf = async (uri: string) => {
			const found = await readRecord(run, uri);
			if (found) return refSchema.parse(found);
			throw new PipelineError('post_rejected', 'The post that was to be answered is not on Bluesky any more. Nothing was posted.');
		};
		const parent = await refOf(replyTo.remoteId);
		const root = replyTo.rootId === replyTo.remoteId ? parent : await refOf(replyTo.rootId);
		return { ...state, mentions, reply: { root, parent }, resolved: true };
	}

	async function uploadFiles(run: PlatformRun, keep: (change: Partial<State>) => Promise<void>): Promise<void> {
		const { media, subtitles, cover, link } = run.post;
		const current = () => stateSchema.parse(run.state);
		for (const [index, file] of media.entries()) {
			const { files, jobId } = current();
			if (files[index] || (isVideo(file) && jobId)) continue;
			if (isVideo(file)) {
				const { jobId: begun } = await video.upload(run, file);
				await keep({ jobId: begun });
			} else {
				const bytes = await withoutMetadata(file, PICTURE_BYTES, run.signal);
				const blob = await uploadBlob(run, `upload file ${index + 1} of ${media.length}`, bytes, file.mime);
				await keep({ files: media.map((_, at) => (at === index ? blob : (files[at] ?? null))) });
			}
			run.progress(((index + 1) / media.length) * 100);
		}
		for (const { vtt, language } of subtitles.slice(current().captions.length)) {
			const blob = await uploadBlob(run, `upload the subtitles "${language}"`, Buffer.from(vtt), 'text/vtt');
			await keep({ captions: [...current().captions, blob] });
		}
		if (link !== null && cover && !current().thumb) {
			await keep({ thumb: await uploadBlob(run, 'upload the picture of the link card', await withoutMetadata(cover, THUMB_BYTES, run.signal), cover.mime) });
		}
	}

	/** What the user should know of a post that is out. */
	const warningsOf = ({ mentions }: State): { warnings?: string[] } => {
		const nobody = Object.entries(mentions).flatMap(([handle, did]) => (did === null ? [`@${handle}`] : []));
		return nobody.length === 0 ? {} : { warnings: [`Bluesky knows no account ${nobody.join(', ')}: it is plain text in the post.`] };
	};

	return {
		name: 'bluesky',
		title: 'Bluesky',
		needsBaseUrl: true,
		needsSecrets: ['identifier'],
		settings: blueskySettings,

		async identify(run) {
			const { did, handle } = await sessions.of(run);
			return { id: did, name: handle };
		},

		async limits(run) {
			const { active } = await sessions.of(run);
			if (!active) return limitsFor(run.post, [{ field: 'account', message: 'This account on Bluesky is deactivated. Sign in at bsky.app to activate it again.' }]);
			const [film] = run.post.media.filter(isVideo);
			return limitsFor(run.post, film ? await video.problems(run, film) : []);
		},

		async start(run) {
			const keep = (change: Partial<State>) => run.save({ ...stateSchema.parse(run.state), ...change });
			const state = stateSchema.parse(run.state);
			if (!state.resolved) await run.save(await resolveAll(run, state));
			await uploadFiles(run, keep);
		},

		async check(run): Promise<CheckResult> {
			const state = stateSchema.parse(run.state);
			if (state.jobId === null || state.files[0]) return { state: 'ready' };
			const found = await video.look(run, state.jobId);
			if (found?.state === 'restart') return found;
			if (found) {
				await run.save({ ...state, files: [found.blob] });
				return { state: 'ready' };
			}
			const polls = state.polls + 1;
			await run.save({ ...state, polls });
			return { state: 'waiting', afterSeconds: Math.min(LONGEST_POLL_SECONDS, FIRST_POLL_SECONDS * polls) };
		},

		async finish(run, { openSince }): Promise<FinishResult> {
			const state = stateSchema.parse(run.state);
			const { did } = await sessions.of(run);
			const rkey = keyOf(run.operationKey, openSince);
			const record = recordOf(run.post, blueskySettings.parse(run.settings), state, openSince);
			try {
				const { data } = await sessions.send(run, {
					action: 'create the post',
					effect: 'publish',
					method: 'POST',
					nsid: 'com.atproto.repo.putRecord',
					timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
					schema: refSchema,
					// Null: it must not be there yet. The same record once more is no change and no error; another one must not take its place.
					body: { kind: 'json', value: { repo: did, collection: COLLECTION, rkey, record, swapRecord: null } },
				});
				return { ...published(run, data.uri), ...warningsOf(state) };
			} catch (error) {
				if (!(error instanceof HttpFailure)) throw error;
				if (error.platformCode === 'BlobNotFound' || /could not find blob/i.test(error.detail)) return { state: 'restart', reason: error.detail };
				// Something has this key already: what an earlier call put there.
				if (error.platformCode === 'InvalidSwap') throw error.as('unknown');
				throw error;
			}
		},

		async reconcile(run, { openSince }): Promise<ReconcileResult> {
			const { did } = await sessions.of(run);
			const found = await readRecord(run, `at://${did}/${COLLECTION}/${keyOf(run.operationKey, openSince)}`);
			// A call that is still on its way puts the same record under the same key.
			if (!found) return { state: 'repeat' };
			const mine = found.value.text === wellFormed(run.post.text) && found.value.createdAt === openSince.toISOString();
			if (!mine) return { state: 'unknown', reason: 'another post has taken its place' };
			return { ...published(run, found.uri), ...warningsOf(stateSchema.parse(run.state)) };
		},

		async look(run, remoteId): Promise<LookResult> {
			const found = await readRecord(run, remoteId);
			return found ? published(run, remoteId) : { state: 'gone', reason: 'the post is not there any more' };
		},

		async remove(run, remoteId) {
			const parts = partsOf(remoteId);
			if (!parts) throw new PipelineError('invalid_request', `"${remoteId}" is no post on Bluesky: its address begins with at://did:.`);
			// Deleting what is not there succeeds as well.
			const body = { kind: 'json' as const, value: parts };
			await sessions.send(run, { action: 'delete the post', effect: 'upload', method: 'POST', nsid: 'com.atproto.repo.deleteRecord', body, schema: z.unknown() });
		},

		async measure(run, remoteIds) {
			const numbers = new Map<string, Engagement>();
			for (let at = 0; at < remoteIds.length; at += POSTS_A_CALL) {
				const query = new URLSearchParams(remoteIds.slice(at, at + POSTS_A_CALL).map((uri): [string, string] => ['uris', uri]));
				const { data } = await sessions.send(run, { action: 'read the numbers of posts', effect: 'read', method: 'GET', nsid: 'app.bsky.feed.getPosts', query, schema: postsAnswer });
				for (const { uri, likeCount, repostCount, replyCount, quoteCount, bookmarkCount } of data.posts) {
					numbers.set(uri, { views: null, likes: likeCount, comments: replyCount, shares: repostCount + quoteCount, saves: bookmarkCount ?? null, clicks: null });
				}
			}
			return numbers;
		},
	};
}
