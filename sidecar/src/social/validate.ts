import { limitProblems } from '../media/platform-check.ts';
import type { MediaKind, MediaLimits } from '../media/platform-limits.ts';
import type { Limits, Post, PostMedia } from './platform.ts';

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

const fileProblems = ({ mime, bytes, facts }: PostMedia, limits: MediaLimits): string[] => limitProblems({ ...facts, mime, bytes }, limits).map(({ message }) => message);

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
