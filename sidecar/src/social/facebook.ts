import { z } from 'zod';
import { createFacebookApi, facebookState, type FacebookHosts, type FacebookPage, type FormSteps, type Patience } from './facebook/api.ts';
import { addToVideo, hasMore } from './facebook/after.ts';
import { hasCode, isGone } from './facebook/errors.ts';
import { createFeedForm } from './facebook/feed.ts';
import { facebookSettings, formOf, isVideo, limitsOf, problemsOf } from './facebook/form.ts';
import { createVideoForm, outcomeOf, readVideo } from './facebook/video.ts';
import { GRAPH_VERSION } from './graph.ts';
import type { Http } from './http.ts';
import { HttpFailure } from './outcome.ts';
import type { AccountRun, Engagement, LookResult, Platform, PlatformRun, PostRecord } from './platform.ts';

/** Defaults: 30 seconds until absence counts, 5 between looks. */
export interface FacebookOptions extends Partial<FacebookHosts>, Partial<Patience> {
	http: Http;
}

const summary = z.object({ summary: z.object({ total_count: z.number() }) }).optional();
const numbersAnswer = z.object({
	views: z.number().optional(),
	reactions: summary,
	likes: summary,
	comments: summary,
	shares: z.object({ count: z.number() }).optional(),
	like_count: z.number().optional(),
	comment_count: z.number().optional(),
});
const postAnswer = z.object({ id: z.string(), permalink_url: z.string().optional(), is_published: z.boolean().optional() });
const successAnswer = z.object({ success: z.literal(true) });
const storiesAnswer = z.object({ data: z.array(z.object({ post_id: z.string(), url: z.string().optional() })) });

/** What an id names: `{page}_{post}`, `{post}_{comment}`, or the number of a video or a story. */
const kindOf = (id: string, page: FacebookPage): 'post' | 'comment' | 'video' => (id.startsWith(`${page.id}_`) ? 'post' : id.includes('_') ? 'comment' : 'video');

const COUNTS = 'reactions.summary(total_count).limit(0),comments.summary(total_count).limit(0)';
const NUMBER_FIELDS = {
	// "shares" is absent where there are none. How often a post was seen needs read_insights, and is told a day late.
	post: `id,${COUNTS},shares`,
	// platforms.md names no field for the shares of a video.
	video: `id,views,${COUNTS}`,
	comment: 'id,like_count,comment_count',
};

/** Facebook Pages (platforms.md 6). */
export function createFacebook({
	http,
	graph = 'https://graph.facebook.com',
	video = 'https://graph-video.facebook.com',
	upload = 'https://rupload.facebook.com',
	web = 'https://www.facebook.com',
	version = GRAPH_VERSION,
	settleSeconds = 30,
	pollSeconds = 5,
}: FacebookOptions): Platform {
	const api = createFacebookApi(http, { graph, video, upload, web, version });
	const patience: Patience = { settleSeconds, pollSeconds };
	const forms: Record<ReturnType<typeof formOf>, FormSteps> = {
		text: createFeedForm(api, 'text', patience),
		photos: createFeedForm(api, 'photos', patience),
		photo_story: createFeedForm(api, 'photo_story', patience),
		comment: createFeedForm(api, 'comment', patience),
		reel: createVideoForm(api, 'reel', patience),
		video: createVideoForm(api, 'video', patience),
		video_story: createVideoForm(api, 'video_story', patience),
	};
	const formOfRun = (run: PlatformRun) => formOf(run.post, facebookSettings.parse(run.settings));

	/** The story of this number; null where there is none. A story of photos has no address of its own in Graph. */
	async function findStory(run: AccountRun, page: FacebookPage, id: string): Promise<{ url?: string | undefined } | null> {
		const { data } = await api.send(run, page, {
			action: 'list the stories of the Page',
			effect: 'read',
			method: 'GET',
			path: `/${encodeURIComponent(page.id)}/stories`,
			values: { limit: 100 },
			schema: storiesAnswer,
		});
		return data.find((story) => story.post_id === id) ?? null;
	}

	async function measureOne(run: AccountRun, page: FacebookPage, id: string): Promise<Engagement | null> {
		const none: Engagement = { views: null, likes: null, comments: null, shares: null, saves: null, clicks: null };
		const kind = kindOf(id, page);
		try {
			const found = await api.send(run, page, {
				action: 'read the numbers of a post',
				effect: 'read',
				method: 'GET',
				path: `/${encodeURIComponent(id)}`,
				values: { fields: NUMBER_FIELDS[kind] },
				schema: numbersAnswer,
			});
			return {
				...none,
				views: found.views ?? null,
				likes: found.reactions?.summary.total_count ?? found.like_count ?? null,
				comments: found.comments?.summary.total_count ?? found.comment_count ?? null,
				shares: kind === 'post' ? (found.shares?.count ?? 0) : null,
			};
		} catch (error) {
			if (!hasCode(error, 100)) throw error;
			// A story: it has no numbers here, but it may be there.
			if (kind === 'video') return (await findStory(run, page, id)) ? none : null;
			// Numbers that are not told are no sign that the post is gone.
			return isGone(error) ? null : none;
		}
	}

	async function look(run: AccountRun, remoteId: string, record?: PostRecord): Promise<LookResult> {
		const page = await api.page(run);
		const gone: LookResult = { state: 'gone', reason: 'Facebook does not know it any more: it was deleted, or taken down.' };
		try {
			if (kindOf(remoteId, page) === 'video') {
				const video = await readVideo(api, run, page, remoteId);
				const found = outcomeOf(video, api.link);
				if (found?.state === 'rejected') return { state: 'gone', reason: found.reason };
				if (found) return found;
				if (video.status.publishing_phase?.publish_status === 'draft') return { state: 'gone', reason: 'The video is a draft now: it is not published.' };
				// It is there. That nothing is said of its publishing (it is processed anew, it is old) does not take it away.
				const permalink = video.permalink_url === undefined ? null : api.link(video.permalink_url);
				return { state: record?.scheduledFor ? 'scheduled' : 'published', remoteId, permalink };
			}
			const fields = kindOf(remoteId, page) === 'post' ? 'id,permalink_url,is_published' : 'id,permalink_url';
			const path = `/${encodeURIComponent(remoteId)}`;
			const found = await api.send(run, page, { action: 'read the post', effect: 'read', method: 'GET', path, values: { fields }, schema: postAnswer });
			const permalink = found.permalink_url === undefined ? null : api.link(found.permalink_url);
			return { state: found.is_published === false ? 'scheduled' : 'published', remoteId, permalink };
		} catch (error) {
			if (!isGone(error) && !(kindOf(remoteId, page) === 'video' && hasCode(error, 100))) throw error;
			const story = kindOf(remoteId, page) === 'video' ? await findStory(run, page, remoteId) : null;
			return story ? { state: 'published', remoteId, permalink: story.url === undefined ? null : api.link(story.url) } : gone;
		}
	}

	return {
		name: 'facebook',
		title: 'Facebook',
		needsBaseUrl: false,
		settings: facebookSettings,
		settingsOf: (accountId) => ({ page_id: accountId }),

		async identify(run) {
			const { id, name } = await api.page(run);
			return { id, name };
		},

		async limits(run) {
			const form = formOfRun(run);
			return { ...limitsOf(form), problems: problemsOf(run.post, facebookSettings.parse(run.settings)) };
		},

		start: async (run) => forms[formOfRun(run)].start(run, await api.page(run)),
		// Processing begins with the publishing call; what was uploaded is ready for it.
		check: async () => ({ state: 'ready' }),
		finish: async (run, arming) => forms[formOfRun(run)].finish(run, await api.page(run), arming),
		reconcile: async (run, arming) => forms[formOfRun(run)].reconcile(run, await api.page(run), arming),

		after: {
			needed: hasMore,
			async run(run, remote) {
				const form = formOfRun(run);
				return isVideo(form) ? addToVideo(api, run, await api.page(run), facebookState(run.state).video?.id ?? remote.remoteId) : [];
			},
		},

		look,

		async remove(run, remoteId) {
			const page = await api.page(run);
			try {
				await api.send(run, page, { action: 'delete the post', effect: 'upload', method: 'DELETE', path: `/${encodeURIComponent(remoteId)}`, schema: successAnswer });
			} catch (error) {
				if (!isGone(error)) throw error;
				// The same is said of what is there, but may not be deleted.
				if ((await look(run, remoteId)).state === 'gone') return;
				throw new HttpFailure({ ...error, hint: 'It is still there: a story of a picture, or one that this token may not delete. Delete it on Facebook.' });
			}
		},

		async measure(run, remoteIds) {
			const page = await api.page(run);
			const found = new Map<string, Engagement>();
			for (const id of remoteIds) {
				const numbers = await measureOne(run, page, id);
				if (numbers) found.set(id, numbers);
			}
			return found;
		},
	};
}
