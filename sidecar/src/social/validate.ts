import { limitProblems } from '../media/platform-check.ts';
import type { MediaKind, MediaLimits } from '../media/platform-limits.ts';
import { isPublicHost } from '../net/addresses.ts';
import type { Limits, Post, PostMedia, PostProblem } from './platform.ts';

export const kindOf = (media: PostMedia): MediaKind => (media.mime === 'image/gif' ? 'gif' : media.facts.fileType);

/** Everything that the limits refuse, at once, before anything is uploaded. Empty: go ahead. */
export function findProblems(post: Post, limits: Limits, title: string, now: Date): PostProblem[] {
	return [
		...textProblems(post, limits, title),
		...titleProblems(post, limits, title),
		...mediaProblems(post, limits, title),
		...optionProblems(post, limits, title),
		...timeProblems(post, limits, title, now),
		...(limits.problems ?? []),
	];
}

function textProblems(post: Post, limits: Limits, title: string): PostProblem[] {
	const { max, unit, count } = limits.text;
	const length = count(post);
	if (length > max) {
		return [{ field: 'text', message: `The text has ${length} ${unit}; ${title} takes ${max}. Shorten it by ${length - max}.`, fixable: true }];
	}
	if (post.text.trim() === '' && post.media.length === 0) {
		return [{ field: 'text', message: 'There is nothing to post: give a text, media, or both.' }];
	}
	return [];
}

function titleProblems(post: Post, limits: Limits, title: string): PostProblem[] {
	const { title: rules } = limits;
	if (!rules) return post.title === null ? [] : [{ field: 'title', message: `A post on ${title} has no title. Leave it out.`, fixable: true }];
	if (post.title === null) return rules.required ? [{ field: 'title', message: `${title} wants a title. Give one.` }] : [];
	const length = rules.count(post.title);
	if (length <= rules.max) return [];
	return [{ field: 'title', message: `The title has ${length} ${rules.unit}; ${title} takes ${rules.max}. Shorten it by ${length - rules.max}.`, fixable: true }];
}

function mediaProblems(post: Post, limits: Limits, title: string): PostProblem[] {
	const problems: PostProblem[] = [];
	if (limits.needsMedia && post.media.length === 0) {
		problems.push({ field: 'media', message: `${title} makes no posts of words alone: attach ${Object.keys(limits.media).join(' or ')}.` });
	}
	const kinds = new Set(post.media.map(kindOf));
	if (kinds.size > 1 && !limits.maxMixed) {
		problems.push({ field: 'media', message: `${title} does not mix ${[...kinds].join(' and ')} in one post. Send one kind only.` });
	}
	if (limits.maxMixed && post.media.length > limits.maxMixed) {
		problems.push({ field: 'media', message: `${post.media.length} files are given; ${title} takes at most ${limits.maxMixed} in one post.` });
	}
	for (const kind of kinds) {
		const given = post.media.filter((media) => kindOf(media) === kind).length;
		const allowed = limits.media[kind]?.count ?? 0;
		if (limits.media[kind] && !limits.maxMixed && given > allowed) {
			problems.push({ field: 'media', message: `${given} files of the kind "${kind}" are given; ${title} takes at most ${allowed} in one post.` });
		}
	}
	for (const [index, media] of post.media.entries()) problems.push(...fileProblems(media, `media[${index}]`, limits, title));
	return problems;
}

function fileProblems(media: PostMedia, field: string, limits: Limits, title: string): PostProblem[] {
	const problems: PostProblem[] = [];
	const kind = kindOf(media);
	const allowed = limits.media[kind];
	if (allowed) problems.push(...limitedProblems(kind, media, field, allowed, limits, title));
	else problems.push({ field, message: `${title} takes no ${kind} files (${media.mime}).` });
	const altLength = media.altText === null ? 0 : [...media.altText].length;
	if (altLength > limits.maxAltText) {
		const message =
			limits.maxAltText === 0 ? `${title} has no alternative text. Leave it out.` : `The alternative text has ${altLength} characters; ${title} takes ${limits.maxAltText}.`;
		problems.push({ field: `${field}.alt_text`, message, fixable: true });
	}
	if (limits.fetchesMedia && !canBeFetched(media, limits.fetchesMedia)) {
		problems.push({
			field,
			message: `${title} fetches the file itself, from a public https address; ${media.url === null ? 'there is none' : 'the one of this sidecar is not public'}. Set PUBLIC_URL to the address at which the internet reaches the sidecar.`,
		});
	}
	return problems;
}

/** Pictures and lengths can be put right by another rendition, unless the platform has no preset for them. */
const limitedProblems = (kind: MediaKind, { mime, bytes, facts }: PostMedia, field: string, allowed: MediaLimits, { videoPreset }: Limits, title: string): PostProblem[] =>
	limitProblems({ ...facts, mime, bytes }, allowed).map(({ about, message }) => {
		// As fit-media.ts: a GIF is not made anew.
		const tooShort = about === 'time' && facts.durationSeconds < (allowed.minSeconds ?? 0);
		const fixable = !tooShort && bytes > 0 && (kind === 'image' || (kind === 'video' && videoPreset !== undefined));
		return { field, message: `${title}: ${message}`, ...(fixable ? { fixable } : {}) };
	});

function canBeFetched({ url }: PostMedia, who: 'public' | 'any'): boolean {
	if (url === null || !URL.canParse(url)) return false;
	const { protocol, hostname } = new URL(url);
	return who === 'any' || (protocol === 'https:' && isPublicHost(hostname));
}

function optionProblems(post: Post, { options }: Limits, title: string): PostProblem[] {
	const problems: PostProblem[] = [];
	const refuse = (field: string, wrong: boolean, message: string): void => void (wrong && problems.push({ field, message }));
	if (post.visibility && !options.visibility.includes(post.visibility)) {
		const possible = options.visibility.length === 0 ? 'leave it out' : `possible: ${options.visibility.join(', ')}`;
		problems.push({ field: 'visibility', message: `${title} cannot post with visibility "${post.visibility}"; ${possible}.` });
	}
	refuse('sensitive', post.sensitive && !options.sensitive, `${title} cannot mark a post as sensitive. Leave it out.`);
	refuse('spoiler_text', post.spoilerText !== null && !options.spoilerText, `${title} has no content warning. Leave it out.`);
	refuse('link', post.link !== null && !options.link, `A post on ${title} has no link beside its text. Put it into the text.`);
	refuse('tags', post.tags.length > 0 && !options.tags, `A post on ${title} has no tags beside its text. Put them into the text as #hashtags.`);
	refuse('cover', post.cover !== null && !options.cover, `${title} takes no cover picture. Leave it out.`);
	refuse('cover_seconds', post.coverSeconds !== null && !options.coverSeconds, `${title} does not let you choose the cover's moment. Leave it out.`);
	const tracks = options.subtitles ?? 0;
	refuse(
		'subtitles',
		post.subtitles.length > tracks,
		tracks === 0 ? `${title} takes no track of subtitles. Burn them into the picture instead (Burn Subtitles).` : `${title} takes ${tracks} track(s) of subtitles, ${post.subtitles.length} are given.`,
	);
	if (post.replyTo) refuse('replies', !options.replies, `${title} has no comments or threads in its API. Leave further posts and the first comment out.`);
	return problems;
}

function timeProblems(post: Post, { options }: Limits, title: string, now: Date): PostProblem[] {
	if (!post.scheduledAt) return [];
	const field = 'scheduled_at';
	const { scheduleLeadSeconds: lead, scheduleMaxSeconds: most = Infinity } = options;
	if (lead === null) {
		return [{ field, message: `${title} has no scheduling of its own. Leave it out and use n8n's Wait node before this one (the template schedule-best-time does so).` }];
	}
	const aheadSeconds = (post.scheduledAt.getTime() - now.getTime()) / 1000;
	if (aheadSeconds < lead) return [{ field, message: `${post.scheduledAt.toISOString()} is too early: ${title} wants at least ${lead / 60} minutes ahead.` }];
	if (aheadSeconds > most) return [{ field, message: `${post.scheduledAt.toISOString()} is too far away: ${title} takes at most ${Math.floor(most / 86_400)} days ahead.` }];
	return [];
}
