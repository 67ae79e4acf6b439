import { basename } from 'node:path';
import { z } from 'zod';
import { CLOCK_MARGIN_MS, facebookState, PUBLISH_TIMEOUT_SECONDS, type FacebookApi, type FacebookPage, type FormSteps, type Patience } from './api.ts';
import { hasCode } from './errors.ts';
import { messageOf } from './form.ts';
import { STORY_WITHOUT_TEXT } from './video.ts';
import type { GraphCall } from '../graph.ts';
import { HttpFailure } from '../outcome.ts';
import type { Arming, FinishResult, PlatformRun, PostMedia, Published, ReconcileResult, Scheduled } from '../platform.ts';
import { comparable } from '../text.ts';

/** Photos that belong to no post are kept for a day: platforms.md names no number, this is that of other Meta containers (5.2), with an hour to spare. */
const PHOTO_LIFE_MS = 23 * 3_600_000;
/** A story is listed for a day; an hour to spare. */
const STORY_LIFE_MS = 23 * 3_600_000;
const PAGE_SIZE = 100;
/** More than a Page may post in the time that matters. */
const PAGES = 5;

const idAnswer = z.object({ id: z.string() });
const storyAnswer = z.object({ success: z.literal(true), post_id: z.string().optional() });
const target = z.object({ id: z.string().optional(), url: z.string().optional() }).optional();
const attachment = z.object({ target, unshimmed_url: z.string().optional(), subattachments: z.object({ data: z.array(z.object({ target })) }).optional() });
const postSchema = z.object({
	id: z.string(),
	message: z.string().default(''),
	created_time: z.string().default(''),
	scheduled_publish_time: z.coerce.number().optional(),
	permalink_url: z.string().optional(),
	attachments: z.object({ data: z.array(attachment) }).optional(),
});
export type FeedPost = z.infer<typeof postSchema>;
const storySchema = z.object({ post_id: z.string(), media_id: z.string().optional(), url: z.string().optional() });
const paging = z.object({ cursors: z.object({ after: z.string() }).optional(), next: z.string().optional() }).optional();
const listOf = <T extends z.ZodType>(item: T) => z.object({ data: z.array(item), paging });

type Values = GraphCall<unknown>['values'] & object;

const POST_FIELDS = 'id,message,created_time,scheduled_publish_time,permalink_url,attachments{target,unshimmed_url,subattachments{target}}';

/** Texts, links and photos of the feed (platforms.md 6.4), photo stories (6.2), comments: forms without a number of their own before they are public. */
export function createFeedForm(api: FacebookApi, form: 'text' | 'photos' | 'photo_story' | 'comment', { settleSeconds, pollSeconds }: Patience): FormSteps {
	const edgeOf = (page: FacebookPage, edge: string) => `/${encodeURIComponent(page.id)}/${edge}`;

	async function uploadPhoto(run: PlatformRun, page: FacebookPage, media: PostMedia): Promise<string> {
		const { id } = await api.send(run, page, {
			action: 'upload a photo',
			effect: 'upload',
			method: 'POST',
			path: edgeOf(page, 'photos'),
			schema: idAnswer,
			body: {
				kind: 'form',
				fields: [
					{ name: 'published', value: 'false' },
					// Photos of scheduled posts are to be temporary ones.
					...(run.post.scheduledAt ? [{ name: 'temporary', value: 'true' }] : []),
					...(media.altText ? [{ name: 'alt_text_custom', value: media.altText }] : []),
					{ name: 'source', file: { path: media.path, start: 0, end: media.bytes, fileName: basename(media.path), mime: media.mime } },
				],
			},
		});
		return id;
	}

	function request({ post, state }: PlatformRun, page: FacebookPage): { path: string; values: Values } {
		const photos = facebookState(state).photos.flatMap((photo) => (photo ? [photo.id] : []));
		if (form === 'photo_story') return { path: edgeOf(page, 'photo_stories'), values: { photo_id: photos[0] } };
		const message = messageOf(post, form);
		if (form === 'comment') return { path: `/${encodeURIComponent(post.replyTo!.rootId)}/comments`, values: { message } };
		const values = {
			...(message === '' ? {} : { message }),
			...(form === 'text' && post.link !== null ? { link: post.link } : {}),
			...(photos.length > 0 ? { attached_media: photos.map((id) => ({ media_fbid: id })) } : {}),
			...(post.scheduledAt ? { published: false, scheduled_publish_time: unixSeconds(post.scheduledAt) } : {}),
			...(post.scheduledAt && photos.length > 0 ? { unpublished_content_type: 'SCHEDULED' } : {}),
		};
		return { path: edgeOf(page, 'feed'), values };
	}

	const linkOf = (id: string, page: FacebookPage): string | null => api.link(form === 'photo_story' ? `/stories/${page.id}/${id}` : `/${page.id}/posts/${id.split('_').at(-1)}`);

	function result(run: PlatformRun, page: FacebookPage, post: { id: string; permalink_url?: string | undefined }, waits: boolean): Published | Scheduled {
		const { id, permalink_url: url } = post;
		const permalink = url === undefined ? linkOf(id, page) : api.link(url);
		if (waits) return { state: 'scheduled', remoteId: id, permalink };
		const warnings = form === 'photo_story' && run.post.text.trim() !== '' ? { warnings: [STORY_WITHOUT_TEXT] } : {};
		return { state: 'published', remoteId: id, permalink, ...warnings };
	}

	/** Reads a list newest first until `pick` knows enough; the list's end counts as knowing. */
	async function* list<T extends z.ZodType>(run: PlatformRun, page: FacebookPage, path: string, wanted: Values, item: T): AsyncGenerator<z.infer<T>> {
		let after: string | undefined;
		for (let number = 0; number < PAGES; number += 1) {
			const values = { ...wanted, limit: PAGE_SIZE, after };
			const answer = await api.send(run, page, { action: 'read the recent posts of the Page', effect: 'read', method: 'GET', path, values, schema: listOf(item) });
			yield* answer.data as Array<z.infer<T>>;
			if (!answer.paging?.next || !answer.paging.cursors) return;
			after = answer.paging.cursors.after;
		}
		throw new TooMany();
	}

	/** A scheduled post moves to the published ones when its time has come: then both lists are read, in this order. */
	async function findPost(run: PlatformRun, page: FacebookPage, since: number): Promise<Found> {
		const { scheduledAt } = run.post;
		const photos = facebookState(run.state).photos.flatMap((photo) => (photo ? [photo.id] : []));
		const lists = [...(scheduledAt ? ['scheduled_posts' as const] : []), ...(!scheduledAt || isDue(scheduledAt, run.now()) ? ['published_posts' as const] : [])];
		let alike = false;
		for (const edge of lists) {
			const waits = edge === 'scheduled_posts';
			const values = { fields: POST_FIELDS, ...(waits ? {} : { since }) };
			for await (const post of list(run, page, edgeOf(page, edge), values, postSchema)) {
				if (waits ? post.scheduled_publish_time !== unixSeconds(scheduledAt!) : Date.parse(post.created_time) < since * 1000) continue;
				const same = isSame(post, run.post, photos);
				if (same === 'unsure') alike = true;
				else if (same) return result(run, page, post, waits);
			}
		}
		return alike ? { unsure: 'a post with the same words is there, but its link is shown as another one' } : null;
	}

	async function findComment(run: PlatformRun, page: FacebookPage, since: number): Promise<Found> {
		const path = `/${encodeURIComponent(run.post.replyTo!.rootId)}/comments`;
		const values = { order: 'reverse_chronological', fields: 'id,message,created_time,permalink_url,from' };
		const schema = postSchema.extend({ from: z.object({ id: z.string() }).optional() });
		for await (const comment of list(run, page, path, values, schema)) {
			// Not the end of the search: that every kind of post sorts its comments is documented nowhere.
			if (Date.parse(comment.created_time) < since * 1000) continue;
			// Who wrote it is told to some tokens only.
			if ((comment.from?.id ?? page.id) === page.id && comparable(comment.message) === comparable(messageOf(run.post, form))) return result(run, page, comment, false);
		}
		return null;
	}

	async function find(run: PlatformRun, page: FacebookPage, arming: Arming): Promise<Found> {
		const since = Math.floor((arming.firstArmedAt.getTime() - CLOCK_MARGIN_MS) / 1000);
		if (form === 'photo_story') {
			const photo = facebookState(run.state).photos[0]?.id;
			for await (const story of list(run, page, edgeOf(page, 'stories'), {}, storySchema)) {
				if (story.media_id === photo) return result(run, page, { id: story.post_id, permalink_url: story.url }, false);
			}
			// Those of the last 24 hours are listed; older ones only where the Page keeps an archive (platforms.md 6.2).
			if (run.now().getTime() < arming.firstArmedAt.getTime() + STORY_LIFE_MS) return null;
			return { unsure: 'Facebook lists stories for a day only, and the call was before that' };
		}
		return form === 'comment' ? findComment(run, page, since) : findPost(run, page, since);
	}

	return {
		async start(run, page) {
			if (form === 'text' || form === 'comment') return;
			const total = run.post.media.length;
			for (const [index, media] of run.post.media.entries()) {
				const known = facebookState(run.state).photos[index];
				if (known && known.at > run.now().getTime() - PHOTO_LIFE_MS) continue;
				const id = await uploadPhoto(run, page, media);
				const state = facebookState(run.state);
				state.photos[index] = { id, at: run.now().getTime() };
				await run.save({ ...state, photos: Array.from(state.photos, (photo) => photo ?? null) });
				run.progress(((index + 1) / total) * 100);
			}
		},

		async finish(run, page, { attempts }): Promise<FinishResult> {
			const { path, values } = request(run, page);
			const call = { effect: 'publish', method: 'POST', path, values, timeoutSeconds: PUBLISH_TIMEOUT_SECONDS } as const;
			try {
				if (form === 'photo_story') {
					const { post_id: id } = await api.send(run, page, { ...call, action: 'publish the story', schema: storyAnswer });
					if (id !== undefined) return result(run, page, { id }, false);
					// Without its number it is looked up by its photo; that it is out has been said.
					await run.save({ ...facebookState(run.state), duplicate: true });
					return { state: 'accepted', afterSeconds: 1 };
				}
				const { id } = await api.send(run, page, { ...call, action: form === 'comment' ? 'write the comment' : 'create the post', schema: idAnswer });
				return form === 'comment' ? { state: 'published', remoteId: id, permalink: null } : result(run, page, { id }, run.post.scheduledAt !== null);
			} catch (error) {
				if (!(error instanceof HttpFailure) || error.decision !== 'stop') throw error;
				// A photo serves one post only.
				const photoGone = (form === 'photos' || form === 'photo_story') && hasCode(error, 100) && /photo|media/i.test(error.detail);
				if (attempts > 1 && (photoGone || hasCode(error, 506))) {
					await run.save({ ...facebookState(run.state), duplicate: true });
					throw error.as('unknown');
				}
				if (photoGone) return { state: 'restart', reason: error.detail };
				throw error;
			}
		},

		async reconcile(run, page, arming): Promise<ReconcileResult> {
			const { duplicate } = facebookState(run.state);
			try {
				const found = await find(run, page, arming);
				if (found && 'state' in found) return found;
				const { scheduledAt } = run.post;
				const moves = scheduledAt && isDue(scheduledAt, run.now()) ? scheduledAt.getTime() : 0;
				if (run.now().getTime() < Math.max(arming.openSince.getTime(), moves) + settleSeconds * 1000) return { state: 'waiting', afterSeconds: pollSeconds };
				if (duplicate) return { state: 'unknown', reason: 'Facebook says that this was posted already, but it is not in the list of the Page' };
				return found ? { state: 'unknown', reason: found.unsure } : { state: 'absent' };
			} catch (error) {
				if (error instanceof TooMany) return { state: 'unknown', reason: 'the Page has too many newer posts to look through' };
				throw error;
			}
		},
	};
}

class TooMany extends Error {}

/** Null: it is not there. */
type Found = Published | Scheduled | { unsure: string } | null;

/** The time may have come, by Facebook's clock. */
const isDue = (scheduledAt: Date, now: Date): boolean => scheduledAt.getTime() - CLOCK_MARGIN_MS <= now.getTime();

const unixSeconds = (time: Date): number => Math.floor(time.getTime() / 1000);

/**
 * Whether a post of the Page is the one that was sent: the same photos, or the same words and link where there are none. Unsure: the
 * words are the same, but the link is not; Facebook may show where it leads.
 */
export function isSame(post: FeedPost, sent: { text: string; link: string | null }, photos: readonly string[]): boolean | 'unsure' {
	const attachments = post.attachments?.data ?? [];
	if (photos.length > 0) {
		const shown = attachments.flatMap((entry) => [entry.target?.id, ...(entry.subattachments?.data ?? []).map((part) => part.target?.id)]);
		return photos.every((id) => shown.includes(id));
	}
	if (comparable(post.message) !== comparable(sent.text)) return false;
	// A text without a link of its own may still be shown with a card.
	if (sent.link === null) return true;
	return attachments.some((entry) => [entry.unshimmed_url, entry.target?.url].some((url) => url !== undefined && sameAddress(url, sent.link!))) || 'unsure';
}

const sameAddress = (shown: string, sent: string): boolean => {
	const plain = (url: string) => url.replace(/^https?:\/\//i, '').replace(/\/$/, '');
	return plain(shown) === plain(sent) || shown.includes(encodeURIComponent(sent));
};
