import type { Limits, MediaKind, MediaLimits, Post, PostMedia } from './platform.ts';

/** What must be changed before a post can be made. */
export interface PostProblem {
	/** Parameter of the operation: `text`, `media[1]`. */
	field: string;
	message: string;
}

export const kindOf = (media: PostMedia): MediaKind => (media.mime === 'image/gif' ? 'gif' : media.facts.fileType);

/** Everything that the limits refuse, at once, before anything is uploaded. Empty: go ahead. */
export function findProblems(post: Post, limits: Limits, title: string, now: Date): PostProblem[] {
	return [...textProblems(post, limits, title), ...mediaProblems(post, limits, title), ...optionProblems(post, limits, title, now)];
}

function textProblems(post: Post, limits: Limits, title: string): PostProblem[] {
	const { max, unit, count } = limits.text;
	const length = count(post);
	if (length > max) {
		return [{ field: 'text', message: `The text has ${length} ${unit}; ${title} takes ${max}. Shorten it by ${length - max}.` }];
	}
	if (post.text.trim() === '' && post.media.length === 0) {
		return [{ field: 'text', message: 'There is nothing to post: give a text, media, or both.' }];
	}
	return [];
}

function mediaProblems(post: Post, limits: Limits, title: string): PostProblem[] {
	const problems: PostProblem[] = [];
	const kinds = new Set(post.media.map(kindOf));
	if (kinds.size > 1) {
		problems.push({ field: 'media', message: `${title} does not mix ${[...kinds].join(' and ')} in one post. Send one kind only.` });
	}
	for (const kind of kinds) {
		const given = post.media.filter((media) => kindOf(media) === kind).length;
		const allowed = limits.media[kind]?.count ?? 0;
		if (limits.media[kind] && given > allowed) {
			problems.push({ field: 'media', message: `${given} files of the kind "${kind}" are given; ${title} takes at most ${allowed} in one post.` });
		}
	}
	for (const [index, media] of post.media.entries()) {
		const field = `media[${index}]`;
		const kind = kindOf(media);
		const allowed = limits.media[kind];
		if (!allowed) problems.push({ field, message: `${title} takes no ${kind} files (${media.mime}).` });
		else problems.push(...fileProblems(media, allowed).map((message) => ({ field, message: `${title}: ${message}` })));
		const altLength = media.altText === null ? 0 : [...media.altText].length;
		if (altLength > limits.maxAltText) {
			problems.push({ field: `${field}.alt_text`, message: `The alternative text has ${altLength} characters; ${title} takes ${limits.maxAltText}.` });
		}
	}
	return problems;
}

/** A container states frame rates like 60.002: no reason to refuse. */
const FRAME_RATE_SLACK = 0.01;

function fileProblems({ mime, bytes, facts }: PostMedia, limits: MediaLimits): string[] {
	const problems: string[] = [];
	const over = (given: number, max: number | undefined, text: (given: string, max: string) => string, show: (value: number) => string = String) => {
		if (max !== undefined && given > max) problems.push(text(show(given), show(max)));
	};
	const oneOf = (given: string | undefined, allowed: readonly string[] | undefined, what: string) => {
		if (given !== undefined && allowed && !allowed.includes(given)) problems.push(`${what} ${given} is not taken; allowed: ${allowed.join(', ')}.`);
	};
	oneOf(mime, limits.mimes, 'the file type');
	if (bytes === 0) problems.push('the file is empty.');
	over(bytes, limits.maxBytes, (given, max) => `the file has ${given}; at most ${max}. Compress it.`, megabytes);
	if (facts.video) {
		const { width, height, frameRate, codec, pixelFormat } = facts.video;
		const long = Math.max(width, height);
		const short = Math.min(width, height);
		const size = `${width}×${height}`;
		over(width * height, limits.maxPixels, (_, max) => `${size} are more than ${max} pixels. Make it smaller.`);
		over(long, limits.maxLongSide, (_, max) => `${size} is too large: the longer side may have ${max} pixels.`);
		over(short, limits.maxShortSide, (_, max) => `${size} is too large: the shorter side may have ${max} pixels.`);
		if (limits.minSide !== undefined && short < limits.minSide) problems.push(`${size} is too small: each side needs ${limits.minSide} pixels.`);
		over(long / short, limits.maxAspect, (_, max) => `${size} is too long and narrow: at most ${max} to 1.`);
		over(frameRate, limits.maxFrameRate === undefined ? undefined : limits.maxFrameRate + FRAME_RATE_SLACK, (given) => `${Number(given).toFixed(1)} frames per second; at most ${limits.maxFrameRate}.`);
		const frames = Math.round(facts.durationSeconds * frameRate);
		over(frames, limits.maxFrames, (given, max) => `${given} frames; at most ${max}.`);
		over(frames * width * height, limits.maxTotalPixels, (given, max) => `width × height × frames is ${given}; at most ${max}.`);
		oneOf(codec, limits.videoCodecs, 'the video codec');
		oneOf(pixelFormat, limits.pixelFormats, 'the pixel format');
	}
	over(facts.durationSeconds, limits.maxSeconds, (given, max) => `it lasts ${Number(given).toFixed(1)} s; at most ${max} s. Cut it.`);
	if (limits.minSeconds !== undefined && facts.durationSeconds < limits.minSeconds) {
		problems.push(`it lasts ${facts.durationSeconds.toFixed(2)} s; at least ${limits.minSeconds} s.`);
	}
	if (facts.audio) {
		oneOf(facts.audio.codec, limits.audioCodecs, 'the audio codec');
		over(facts.audio.channels, limits.maxAudioChannels, (given, max) => `${given} audio channels; at most ${max}.`);
	}
	return problems;
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

function optionProblems(post: Post, { options }: Limits, title: string, now: Date): PostProblem[] {
	const problems: PostProblem[] = [];
	if (post.visibility && !options.visibility.includes(post.visibility)) {
		problems.push({ field: 'visibility', message: `${title} cannot post with visibility "${post.visibility}"; possible: ${options.visibility.join(', ')}.` });
	}
	if (post.sensitive && !options.sensitive) problems.push({ field: 'sensitive', message: `${title} cannot mark a post as sensitive. Leave it out.` });
	if (post.spoilerText && !options.spoilerText) problems.push({ field: 'spoiler_text', message: `${title} has no content warning. Leave it out.` });
	if (post.scheduledAt) {
		const lead = options.scheduleLeadSeconds;
		if (lead === null) {
			problems.push({ field: 'scheduled_at', message: `${title} has no scheduling of its own. Leave it out and use n8n's Wait node before this one.` });
		} else if (post.scheduledAt.getTime() < now.getTime() + lead * 1000) {
			problems.push({ field: 'scheduled_at', message: `${post.scheduledAt.toISOString()} is too early: ${title} wants at least ${lead / 60} minutes ahead.` });
		}
	}
	return problems;
}
