import type { Emulator } from './emulator.ts';
import { graphTime, keepMedia, messageOf, newPost, type FacebookAccount, type FacebookPage, type FacebookPost, type FacebookWorld } from './facebook.ts';
import { numbersOf } from './facebookFeed.ts';
import { flagValue, refuseGraph, ResumableFile, textValue, type GraphRequest } from './graph.ts';

export interface FacebookVideo {
	id: string;
	page: string;
	form: 'reel' | 'story' | 'video';
	file: ResumableFile;
	/** Every byte is there. */
	complete: boolean;
	/** Of a feed video. */
	session: string | null;
	/** What the last call asked for; null: it has not come. */
	finished: { state: 'PUBLISHED' | 'SCHEDULED' | 'DRAFT'; time: number | null; text: string; title: string | null } | null;
	pollsLeft: number;
	error: { at: 'processing' | 'publishing'; code: number; message: string } | null;
	post: FacebookPost | null;
}

type Request = GraphRequest<FacebookAccount>;
/** Days that a scheduled time may be ahead: platforms.md 6.2, 6.3 (6 months). */
const REEL_DAYS = 29;
const VIDEO_DAYS = 180;
const VIDEO_BYTES = 10e9;
const THUMBNAIL_BYTES = 10_000_000;

/** Reels, video stories and videos of the feed, their thumbnails and captions (platforms.md 6.2, 6.3). */
export function addFacebookVideos(world: FacebookWorld, emulator: Emulator): void {
	const { graph, videos } = world;
	const manage = ['pages_manage_posts', 'pages_read_engagement'];
	// A parameter may stand in the address; here the phase must, because each phase is a step of its own.
	emulator.app.use((request, _response, next) => {
		const phase = request.query['upload_phase'];
		if (typeof phase === 'string' && /\/(video_reels|video_stories|videos)$/.test(request.path)) request.url = request.url.replace('?', `/${encodeURIComponent(phase)}?`);
		next();
	});

	function begin(request: Request, form: FacebookVideo['form']): FacebookVideo {
		const page = world.page(request);
		const id = `2${graph.nextId()}`;
		const video: FacebookVideo = {
			id,
			page: page.id,
			form,
			file: new ResumableFile(id, !world.options.discard),
			complete: false,
			session: null,
			finished: null,
			pollsLeft: world.options.processingPolls,
			error: null,
			post: null,
		};
		videos.set(id, video);
		return video;
	}
	const own = (request: Request, id: unknown, form?: FacebookVideo['form']): FacebookVideo => {
		const video = typeof id === 'string' ? videos.get(id) : undefined;
		if (video && video.page === request.account.id && (form === undefined || video.form === form)) return video;
		return refuseGraph({ message: `Unsupported request. Object with ID '${String(id)}' does not exist`, code: 100, subcode: 33, type: 'GraphMethodException' });
	};

	function finish(video: FacebookVideo, finished: NonNullable<FacebookVideo['finished']>): void {
		if (!video.complete) refuseGraph({ message: '(#100) The video is not uploaded completely', code: 100, subcode: 1_363_130 });
		// A video is one post: it cannot be published again.
		if (video.finished) refuseGraph({ message: '(#100) The video was published already', code: 100, subcode: 1_363_057 });
		video.finished = finished;
		[video.error, world.trouble] = [world.trouble, null];
		if (world.options.processingPolls === 0) appear(video);
	}

	/** Processed: out it goes, or it waits for its time. */
	function appear(video: FacebookVideo): void {
		const page = world.pages.find((entry) => entry.id === video.page)!;
		const { state, time, text, title } = video.finished!;
		if (state === 'DRAFT' || video.error) return;
		const media = keepMedia(world, { id: video.id, mime: 'video/mp4', bytes: video.file.bytes, sha256: video.file.sha256, alt: null });
		const path = video.form === 'reel' ? `/reel/${video.id}/` : video.form === 'story' ? `/stories/${page.id}/${video.id}/` : `/${page.id}/videos/${video.id}/`;
		video.post = newPost(page, { id: video.id, kind: video.form, text, title, media: [media], permalink: `${world.hosts.graph}${path}`, at: new Date(world.now()), scheduledFor: time });
		world.publish(video.post);
	}

	for (const [form, edge] of [['reel', 'video_reels'], ['story', 'video_stories']] as const) {
		graph.step(`${form}Start`, 'post', `/:id/${edge}/start`, { scopes: manage, parameters: ['upload_phase'] }, (request) => {
			const day = world.now() - 86_400_000;
			const recent = world.posts.filter((post) => post.kind === 'reel' && post.at.getTime() > day).length;
			if (form === 'reel' && recent >= world.options.reelsPerDay) refuseGraph({ message: '(#4) The limit of reels in 24 hours is reached', code: 4, subcode: 1_363_126 });
			const video = begin(request, form);
			return { video_id: video.id, upload_url: `${world.hosts.upload}/video-upload/${request.params['version']}/${video.id}` };
		});
		const parameters = form === 'reel' ? ['upload_phase', 'video_id', 'video_state', 'description', 'title', 'scheduled_publish_time'] : ['upload_phase', 'video_id'];
		graph.step(`${form}Finish`, 'post', `/:id/${edge}/finish`, { scopes: manage, parameters, makesPublic: ({ video_state: state }) => state !== 'DRAFT' }, (request) => {
			world.page(request);
			const { values } = request;
			const video = own(request, values['video_id'], form);
			const state = form === 'story' ? 'PUBLISHED' : values['video_state'];
			if (state !== 'PUBLISHED' && state !== 'SCHEDULED' && state !== 'DRAFT') return refuseGraph({ message: '(#100) video_state must be PUBLISHED, SCHEDULED or DRAFT', code: 100 });
			const time = world.scheduleOf(values, REEL_DAYS);
			if ((state === 'SCHEDULED') !== (time !== null)) refuseGraph({ message: '(#100) SCHEDULED goes with scheduled_publish_time', code: 100 });
			finish(video, { state, time, text: messageOf(values, 'description'), title: textValue(values, 'title') });
			// An acknowledgement: whether it appears is told by publishing_phase (platforms.md 6.2).
			return { success: true };
		});
	}

	graph.resumable(
		'upload',
		'/video-upload/:version/:id',
		(account, id) => {
			const video = videos.get(id);
			return video && video.page === account.id && !video.complete ? video.file : null;
		},
		(file) => (videos.get(file.id)!.complete = true),
	);

	/** Of graph-video.facebook.com. */
	const onVideoHost = (request: Request): FacebookPage => {
		if (`http://${request.headers['host']}` !== world.hosts.video) refuseGraph({ message: '(#100) Bytes of videos go to graph-video.facebook.com', code: 100 });
		return world.page(request);
	};
	const session = (request: Request): FacebookVideo => {
		const video = [...videos.values()].find((entry) => entry.session !== null && entry.session === request.values['upload_session_id']);
		return own(request, video?.id, 'video');
	};
	const offsets = ({ file }: FacebookVideo) => ({ start_offset: String(file.received), end_offset: String(Math.min(file.size!, file.received + world.options.chunkBytes)) });

	graph.step('videoStart', 'post', '/:id/videos/start', { scopes: manage, parameters: ['upload_phase', 'file_size'] }, (request) => {
		onVideoHost(request);
		const size = Number(request.values['file_size']);
		if (!Number.isInteger(size) || size <= 0) refuseGraph({ message: '(#100) file_size must be a number of bytes', code: 100 });
		if (size < 1024) refuseGraph({ message: '(#100) The video file is too small', code: 100, subcode: 1_363_022 });
		if (size > VIDEO_BYTES) refuseGraph({ message: '(#100) The video file is too large', code: 100, subcode: 1_363_023 });
		const video = begin(request, 'video');
		video.file.size = size;
		video.session = graph.nextId();
		return { upload_session_id: video.session, video_id: video.id, ...offsets(video) };
	});
	graph.step('videoTransfer', 'post', '/:id/videos/transfer', { scopes: manage, parameters: ['upload_phase', 'upload_session_id', 'start_offset'], files: ['video_file_chunk'] }, (request) => {
		onVideoHost(request);
		const video = session(request);
		const chunk = request.files[0];
		if (!chunk || chunk.data.length === 0) return refuseGraph({ message: '(#100) video_file_chunk is needed', code: 100 });
		const { start_offset: start, end_offset: end } = offsets(video);
		if (request.values['start_offset'] !== start || chunk.data.length > Number(end) - Number(start)) {
			refuseGraph({ message: '(#6001) There was a problem uploading your video file: wrong offset', code: 6001, subcode: 1_363_037, data: { start_offset: start, end_offset: end } });
		}
		video.file.take(chunk.data);
		video.complete = video.file.received === video.file.size;
		return offsets(video);
	});
	graph.step(
		'videoFinish',
		'post',
		'/:id/videos/finish',
		{ scopes: manage, parameters: ['upload_phase', 'upload_session_id', 'title', 'description', 'published', 'scheduled_publish_time'], makesPublic: () => true },
		(request) => {
			onVideoHost(request);
			const { values } = request;
			const video = session(request);
			const time = world.scheduleOf(values, VIDEO_DAYS);
			const published = values['published'] === undefined || flagValue(values, 'published');
			if (time === null ? !published : published) refuseGraph({ message: '(#100) published=false goes with scheduled_publish_time, and only with it', code: 100 });
			const title = textValue(values, 'title');
			if ((title?.length ?? 0) > 255) refuseGraph({ message: '(#100) The title is too long', code: 100 });
			finish(video, { state: time === null ? 'PUBLISHED' : 'SCHEDULED', time, text: messageOf(values, 'description'), title });
			return { success: true };
		},
	);

	/** One look, which brings a finished video a step further. */
	function statusOf(video: FacebookVideo): object {
		const { file, finished, error } = video;
		const uploading = video.complete ? { status: 'complete' } : { status: 'in_progress', bytes_transfered: file.received };
		const idle = { processing_phase: { status: 'not_started' }, publishing_phase: { status: 'not_started' } };
		if (!finished) return { video_status: video.complete ? 'upload_complete' : 'uploading', uploading_phase: uploading, ...idle };
		if (video.pollsLeft > 0) {
			video.pollsLeft -= 1;
			return { video_status: 'processing', uploading_phase: uploading, processing_phase: { status: 'in_progress' }, publishing_phase: { status: 'not_started' } };
		}
		const bad = { status: 'error', error: { code: error?.code, message: error?.message } };
		if (error?.at === 'processing') return { video_status: 'error', uploading_phase: uploading, processing_phase: bad, publishing_phase: { status: 'not_started' } };
		if (error) return { video_status: 'ready', uploading_phase: uploading, processing_phase: { status: 'complete' }, publishing_phase: { ...bad, publish_status: 'error' } };
		if (!video.post) appear(video);
		const waits = (video.post?.scheduledFor ?? null) !== null;
		const publishing = waits
			? { status: 'not_started', publish_status: 'scheduled', publish_time: graphTime(new Date(video.post!.scheduledFor! * 1000)) }
			: finished.state === 'DRAFT'
				? { status: 'not_started', publish_status: 'draft' }
				: { status: 'complete', publish_status: 'published', publish_time: graphTime(video.post!.at) };
		return { video_status: 'ready', uploading_phase: uploading, processing_phase: { status: 'complete' }, publishing_phase: publishing };
	}

	graph.step('video', 'get', /^\/(?<version>[^/]+)\/(?<id>2\d+)$/, { scopes: ['pages_read_engagement'] }, (request) => {
		const video = own(request, request.params['id']);
		const status = statusOf(video);
		const { post } = video;
		if (post && post.scheduledFor !== null && post.scheduledFor * 1000 <= world.now()) world.find(request);
		return graph.pick(request.values, {
			id: video.id,
			status,
			permalink_url: post ? new URL(post.permalink).pathname : null,
			title: video.finished?.title ?? null,
			description: video.finished?.text ?? null,
			published: post !== null && post.scheduledFor === null,
			scheduled_publish_time: post?.scheduledFor ?? null,
			created_time: graphTime(new Date(world.now())),
			views: post?.numbers.views ?? 0,
			...(post ? numbersOf(post) : { reactions: null, likes: null, comments: null }),
		});
	});

	graph.step('thumbnail', 'post', '/:id/thumbnails', { scopes: manage, parameters: ['is_preferred'], files: ['source'] }, (request) => {
		const post = world.find(request);
		const file = request.files[0];
		if (post.kind !== 'reel' && post.kind !== 'video') refuseGraph({ message: '(#100) This object takes no thumbnail', code: 100 });
		if (!file || !/^image\/(jpeg|png)$/.test(file.mime ?? '') || file.data.length === 0 || file.data.length > THUMBNAIL_BYTES) return refuseGraph({ message: '(#100) source must be an image of at most 10 MB', code: 100 });
		const picture = keepMedia(world, { id: `3${graph.nextId()}`, mime: file.mime!, bytes: Buffer.from(file.data), alt: null });
		if (flagValue(request.values, 'is_preferred')) post.thumbnail = picture.sha256;
		return { success: true };
	});

	graph.step('captions', 'post', '/:id/captions', { scopes: manage, parameters: ['default_locale'], files: ['captions_file'] }, (request) => {
		const post = world.find(request);
		const file = request.files[0];
		const locale = /^.+\.([a-z]{2}_[A-Z]{2})\.srt$/.exec(file?.fileName ?? '')?.[1];
		if (post.kind !== 'reel' && post.kind !== 'video') refuseGraph({ message: '(#100) This object takes no captions', code: 100 });
		if (!file || !locale) return refuseGraph({ message: '(#387) There was a problem uploading your captions file: its name must be like name.en_US.srt', code: 387 });
		const text = file.data.toString('utf8');
		if (!/^\s*1\r?\n\d\d:\d\d:\d\d,\d{3} --> /.test(text.replace(/^\ufeff/, ''))) refuseGraph({ message: '(#387) The file is no SubRip', code: 387 });
		post.captions = [...post.captions.filter((track) => track.locale !== locale), { locale, text, isDefault: request.values['default_locale'] === locale }];
		return { success: true };
	});
}
