import { graphTime, keepMedia, messageOf, newPost, type FacebookMedia, type FacebookPost, type FacebookWorld } from './facebook.ts';
import { flagValue, listValue, refuseGraph, textValue } from './graph.ts';

const PHOTO_MIMES = ['image/jpeg', 'image/png', 'image/bmp', 'image/gif', 'image/tiff'];
/** platforms.md 6.4: 4 MB, 10 MB on another page. */
const PHOTO_BYTES = 4_000_000;

/** Photos, the feed, photo stories, comments, and reading all of it (platforms.md 6.2, 6.4). */
export function addFacebookFeed(world: FacebookWorld): void {
	const { graph } = world;
	/** Photos that belong to no post yet: when they came, and whether they wait for a scheduled post. */
	const loose = new Map<string, { page: string; at: number; temporary: boolean }>();
	const manage = ['pages_manage_posts', 'pages_read_engagement'];

	graph.step('photo', 'post', '/:id/photos', { scopes: manage, parameters: ['published', 'temporary', 'alt_text_custom'], files: ['source'] }, (request) => {
		const page = world.page(request);
		const file = request.files[0];
		if (request.files.length !== 1 || !file) return refuseGraph({ message: '(#324) Requires upload file', code: 324 });
		// A photo that is published by itself would be a post of its own.
		if (flagValue(request.values, 'published') || request.values['published'] === undefined) refuseGraph({ message: 'This stand-in takes photos with published=false only', code: 100 });
		if (!PHOTO_MIMES.includes(file.mime ?? '')) refuseGraph({ message: '(#100) Invalid image format', code: 100, subcode: 1_487_411 });
		if (file.data.length === 0 || file.data.length > PHOTO_BYTES) refuseGraph({ message: '(#100) Your photos couldn\'t be uploaded: at most 4 MB', code: 100, subcode: 1_366_046 });
		const alt = textValue(request.values, 'alt_text_custom');
		const entry = keepMedia(world, { id: `3${graph.nextId()}`, mime: file.mime!, bytes: Buffer.from(file.data), alt });
		loose.set(entry.id, { page: page.id, at: world.now(), temporary: flagValue(request.values, 'temporary') });
		return { id: entry.id };
	});

	/** Takes a photo for a post; it cannot be used twice. */
	function takePhoto(page: string, id: unknown, scheduled: boolean): FacebookMedia {
		const free = typeof id === 'string' ? loose.get(id) : undefined;
		const entry = typeof id === 'string' ? world.media.get(id) : undefined;
		if (!free || !entry || free.page !== page || free.at + world.options.photoLifeSeconds * 1000 <= world.now()) {
			return refuseGraph({ message: `(#100) Invalid parameter: the photo ${String(id)} does not exist or was used already`, code: 100, subcode: 33 });
		}
		if (scheduled && !free.temporary) refuseGraph({ message: '(#100) Photos of scheduled posts must be uploaded with temporary=true', code: 100 });
		return entry;
	}

	graph.step(
		'feed',
		'post',
		'/:id/feed',
		{
			scopes: manage,
			parameters: ['message', 'link', 'attached_media', 'published', 'scheduled_publish_time', 'unpublished_content_type'],
			makesPublic: () => true,
		},
		(request) => {
			const page = world.page(request);
			const { values } = request;
			const text = messageOf(values, 'message');
			const link = textValue(values, 'link');
			const time = world.scheduleOf(values, 75);
			const published = values['published'] === undefined || flagValue(values, 'published');
			if (time === null ? !published : published) refuseGraph({ message: '(#100) published=false goes with scheduled_publish_time, and only with it', code: 100 });
			const attached = listValue(values, 'attached_media') ?? [];
			const photos = attached.map((entry) => takePhoto(page.id, (entry as { media_fbid?: unknown } | null)?.media_fbid, time !== null));
			if (time !== null && photos.length > 0 && values['unpublished_content_type'] !== 'SCHEDULED') refuseGraph({ message: '(#100) unpublished_content_type=SCHEDULED is needed', code: 100 });
			if (new Set(photos).size < photos.length) refuseGraph({ message: '(#100) The same photo twice', code: 100 });
			if (link !== null && photos.length > 0) refuseGraph({ message: '(#100) link and attached_media do not go together', code: 100 });
			if (link !== null && (!URL.canParse(link) || !/^https?:/.test(link))) refuseGraph({ message: '(#1609005) The link you are trying to share is not valid.', code: 1_609_005 });
			if (text === '' && link === null && photos.length === 0) refuseGraph({ message: '(#100) You must provide at least one of message, link, attached_media', code: 100 });
			const same = (post: FacebookPost) => post.page === page.id && post.kind === 'feed' && post.media.length === 0 && photos.length === 0 && post.text === text && post.link === link;
			if ([...world.posts, ...world.scheduled].some(same)) refuseGraph({ message: '(#506) Duplicate status message', code: 506, userMessage: 'Duplicate status message' });
			const number = `5${graph.nextId()}`;
			for (const photo of photos) loose.delete(photo.id);
			const permalink = `${world.hosts.graph}/${page.id}/posts/${number}`;
			world.publish(newPost(page, { id: `${page.id}_${number}`, kind: 'feed', text, link, media: photos, permalink, at: new Date(world.now()), scheduledFor: time }));
			return { id: `${page.id}_${number}` };
		},
	);

	graph.step('photoStory', 'post', '/:id/photo_stories', { scopes: manage, parameters: ['photo_id'], makesPublic: () => true }, (request) => {
		const page = world.page(request);
		const photo = takePhoto(page.id, request.values['photo_id'], false);
		loose.delete(photo.id);
		const id = `4${graph.nextId()}`;
		world.publish(newPost(page, { id, kind: 'story', media: [photo], permalink: `${world.hosts.graph}/stories/${page.id}/${id}`, at: new Date(world.now()) }));
		return { success: true, post_id: id };
	});

	graph.step('stories', 'get', '/:id/stories', { scopes: ['pages_read_engagement'], parameters: ['limit', 'after', 'status', 'since', 'until'] }, (request) => {
		const page = world.page(request);
		// This Page keeps no archive: after a day they are gone.
		const day = world.now() - 86_400_000;
		const own = world.posts.filter((post) => post.kind === 'story' && post.page === page.id && post.at.getTime() > day).toReversed();
		return graph.page(request.values, own, (post) => ({
			post_id: post.id,
			status: 'PUBLISHED',
			creation_time: String(Math.floor(post.at.getTime() / 1000)),
			media_type: post.media[0]!.mime.startsWith('video/') ? 'video' : 'photo',
			media_id: post.media[0]!.id,
			url: post.permalink,
		}));
	});

	// Which fields a story has is documented nowhere; none that is asked for here.
	graph.step('story', 'get', /^\/(?<version>[^/]+)\/(?<id>4\d+)$/, { scopes: ['pages_read_engagement'] }, () =>
		refuseGraph({ message: '(#100) Tried accessing nonexisting field on node type (Story)', code: 100 }),
	);

	const attachments = (post: FacebookPost): object | null => {
		if (post.link !== null) return { data: [{ media_type: 'link', target: { url: `https://l.facebook.com/l.php?u=${encodeURIComponent(post.link)}` }, unshimmed_url: post.link }] };
		const targets = post.media.map((photo) => ({ media_type: 'photo', target: { id: photo.id } }));
		if (targets.length < 2) return targets.length === 0 ? null : { data: targets };
		return { data: [{ media_type: 'album', target: { id: post.id.split('_')[1] }, subattachments: { data: targets } }] };
	};
	const node = (post: FacebookPost) => ({
		id: post.id,
		message: post.text === '' ? null : post.text,
		created_time: graphTime(post.at),
		permalink_url: post.permalink,
		is_published: post.scheduledFor === null,
		scheduled_publish_time: post.scheduledFor,
		attachments: attachments(post),
		...numbersOf(post),
		// Without shares the field is absent.
		shares: post.numbers.shares > 0 ? { count: post.numbers.shares } : null,
	});

	for (const [step, edge, list] of [['posts', 'published_posts', world.posts], ['scheduledPosts', 'scheduled_posts', world.scheduled]] as const) {
		graph.step(step, 'get', `/:id/${edge}`, { scopes: ['pages_read_engagement'], parameters: ['limit', 'after', 'since'] }, (request) => {
			const page = world.page(request);
			world.publishDue();
			const since = Number(request.values['since'] ?? 0);
			if (!Number.isInteger(since)) refuseGraph({ message: '(#100) since must be in unix seconds', code: 100 });
			const own = list.filter((post) => post.kind === 'feed' && post.page === page.id && post.at.getTime() >= since * 1000).toReversed();
			return graph.page(request.values, own, (post) => graph.pick(request.values, node(post)));
		});
	}
	graph.step('post', 'get', /^\/(?<version>[^/]+)\/(?<id>1\d+_5\d+)$/, { scopes: ['pages_read_engagement'] }, (request) => graph.pick(request.values, node(world.find(request))));

	graph.step('comment', 'post', '/:id/comments', { scopes: ['pages_manage_engagement'], parameters: ['message'], makesPublic: () => true }, (request) => {
		const post = world.find(request);
		if (post.scheduledFor !== null || post.kind === 'story') refuseGraph({ message: '(#100) This object cannot be commented on', code: 100 });
		const text = textValue(request.values, 'message') ?? refuseGraph({ message: '(#100) message is needed', code: 100 });
		if (text.length > 8000) refuseGraph({ message: '(#100) The comment is too long', code: 100 });
		const comment = { id: `${post.id.split('_').at(-1)}_6${graph.nextId()}`, text, at: new Date(world.now()) };
		post.comments.push(comment);
		return { id: comment.id };
	});
	graph.step('comments', 'get', '/:id/comments', { scopes: ['pages_read_user_content'], parameters: ['limit', 'after', 'order', 'since', 'filter'] }, (request) => {
		const post = world.find(request);
		const newest = request.values['order'] === 'reverse_chronological';
		const list = newest ? post.comments.toReversed() : post.comments;
		return graph.page(request.values, list, (comment) =>
			graph.pick(request.values, {
				id: comment.id,
				message: comment.text,
				created_time: graphTime(comment.at),
				from: { id: post.page, name: post.author },
				permalink_url: `${post.permalink}?comment_id=${comment.id.split('_')[1]}`,
			}),
		);
	});
	graph.step('readComment', 'get', /^\/(?<version>[^/]+)\/(?<id>[25]\d+_6\d+)$/, { scopes: ['pages_read_user_content'] }, (request) => {
		const { account, params, values } = request;
		for (const post of world.posts.filter((entry) => entry.page === account.id)) {
			const comment = post.comments.find((entry) => entry.id === params['id']);
			if (comment) return graph.pick(values, { id: comment.id, message: comment.text, created_time: graphTime(comment.at), permalink_url: `${post.permalink}?comment_id=${comment.id.split('_')[1]}`, like_count: 0, comment_count: 0 });
		}
		return refuseGraph({ message: `Unsupported get request. Object with ID '${params['id']}' does not exist`, code: 100, subcode: 33, type: 'GraphMethodException' });
	});
	graph.step('deleteComment', 'delete', /^\/(?<version>[^/]+)\/(?<id>[25]\d+_6\d+)$/, { scopes: ['pages_manage_engagement'] }, ({ account, params }) => {
		const post = world.posts.find((entry) => entry.page === account.id && entry.comments.some((comment) => comment.id === params['id']));
		if (!post) return refuseGraph({ message: 'The comment does not exist', code: 100, subcode: 33, type: 'GraphMethodException' });
		post.comments = post.comments.filter((comment) => comment.id !== params['id']);
		return { success: true };
	});
}

/** Reactions and comments as `reactions.summary(total_count)` shows them. */
export const numbersOf = (post: FacebookPost) => ({
	reactions: { data: [], summary: { total_count: post.numbers.reactions } },
	likes: { data: [], summary: { total_count: post.numbers.reactions } },
	comments: { data: [], summary: { total_count: post.comments.length } },
});
