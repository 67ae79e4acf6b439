import { z } from 'zod';
import { limitProblems } from '../../media/platform-check.ts';
import { PINTEREST_IMAGE, VIDEO_PLATFORMS } from '../../media/platform-limits.ts';
import { Base64File } from '../json-files.ts';
import type { Limits, Post, PostMedia, PostProblem } from '../platform.ts';
import { comparable } from '../text.ts';

export const settingsSchema = z.strictObject({
	board: z.string().trim().min(1).max(200).optional().describe('ID or name of the board. Needed where the account has more than one.'),
	board_section_id: z.string().regex(/^\d+$/, 'must be the number of a section').optional().describe('ID of a section of the board.'),
});

export interface Board {
	id: string;
	name: string;
}

/** How many names of boards a message lists. */
const NAMED_BOARDS = 20;
/** platforms.md 8.3 */
const MAX_LINK = 2048;
const MAX_ALT = 500;

/** The board that `wanted` (an ID or a name) means; without it the only one. */
export function boardNamed(wanted: string | undefined, boards: readonly Board[]): Board | { problem: string } {
	const names = boards.slice(0, NAMED_BOARDS).map(({ name, id }) => `${name} (${id})`);
	const listed = `Boards of this account: ${names.join(', ')}${boards.length > NAMED_BOARDS ? ` and ${boards.length - NAMED_BOARDS} more` : ''}.`;
	if (boards.length === 0) return { problem: 'The account has no board. Make one on pinterest.com first.' };
	if (wanted === undefined) return boards.length === 1 ? boards[0]! : { problem: `Say which board the pin goes to. ${listed}` };
	const same = (name: string) => name.normalize('NFC').toLowerCase() === wanted.normalize('NFC').toLowerCase();
	const found = boards.find(({ id }) => id === wanted) ?? boards.find(({ name }) => name === wanted) ?? boards.find(({ name }) => same(name));
	return found ?? { problem: `The account has no board "${wanted}". ${listed}` };
}

/** The alternative text of the pin: there is one for all its pictures. */
export const altOf = (post: Post): string => [...new Set(post.media.flatMap(({ altText }) => (altText ? [altText] : [])))].join('\n');

/** Fields of the pin that people read. What is not given is left out. */
export function pinTexts(post: Post): Record<string, string> {
	const texts = { title: post.title ?? '', description: post.text, link: post.link ?? '', alt_text: altOf(post) };
	return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
}

/** platforms.md 8.2 and 8.3. A video needs a cover: a picture of its own, or one of its moments, in whole seconds. */
export function mediaSource(post: Post, videoId: string | null): Record<string, unknown> {
	const image = ({ mime, path, bytes }: PostMedia) => ({ content_type: mime, data: new Base64File(path, bytes) });
	if (videoId === null) {
		const [first, ...more] = post.media.map(image);
		return more.length === 0 ? { source_type: 'image_base64', ...first } : { source_type: 'multiple_image_base64', items: [first, ...more] };
	}
	if (post.cover) {
		const { content_type, data } = image(post.cover);
		return { source_type: 'video_id', media_id: videoId, cover_image_content_type: content_type, cover_image_data: data };
	}
	// Not the very first picture, which often is black.
	const seconds = Math.floor(post.coverSeconds ?? Math.min(1, (post.media[0]?.facts.durationSeconds ?? 0) / 2));
	return { source_type: 'video_id', media_id: videoId, cover_image_key_frame_time: seconds };
}

interface ShownPin {
	title?: string | null | undefined;
	description?: string | null | undefined;
	link?: string | null | undefined;
	alt_text?: string | null | undefined;
	media?: { media_type: string } | null | undefined;
}

/**
 * Whether a pin is the one that was sent: `all` of its texts are the same; or `some`: what tells most of it (the description, else the
 * title, else the link) is the same, and something is not, as if Pinterest had changed it; or `none`. All texts of another kind of pin are
 * `some`: what Pinterest calls a video that it still works on is not documented.
 */
export function sameTexts(pin: ShownPin, post: Post): 'all' | 'some' | 'none' {
	const type = post.media.length > 1 ? 'multiple_images' : post.media[0]?.facts.fileType === 'video' ? 'video' : 'image';
	const other = pin.media && pin.media.media_type !== type;
	const sent = pinTexts(post);
	const pairs = (['description', 'title', 'link', 'alt_text'] as const).map((name) => [comparable(pin[name] ?? ''), comparable(sent[name] ?? '')] as const);
	if (pairs.every(([shown, given]) => shown === given)) return other ? 'some' : 'all';
	if (other) return 'none';
	const telling = pairs.find(([, given]) => given !== '');
	return telling && telling[0] === telling[1] ? 'some' : 'none';
}

export function pinterestLimits(post: Post, board: Board | { problem: string }): Limits {
	return {
		text: { max: 800, unit: 'characters', count: ({ text }) => [...text].length },
		title: { max: 100, unit: 'characters', count: (title) => [...title].length, required: false },
		maxAltText: MAX_ALT,
		media: { image: PINTEREST_IMAGE, video: VIDEO_PLATFORMS.pinterest.video },
		needsMedia: true,
		videoPreset: 'pinterest',
		problems: ['problem' in board ? [{ field: 'settings.board', message: board.problem }] : [], linkProblems(post), coverProblems(post), pictureProblems(post)].flat(),
		options: { visibility: [], sensitive: false, spoilerText: false, scheduleLeadSeconds: null, link: true, cover: true, coverSeconds: true },
	};
}

function linkProblems({ link }: Post): PostProblem[] {
	if (link === null) return [];
	if (!URL.canParse(link) || !/^https?:/i.test(link)) return [{ field: 'link', message: `"${link}" is not the address of a web page. Write it whole, with https:// in front.` }];
	return link.length <= MAX_LINK ? [] : [{ field: 'link', message: `The link has ${link.length} characters; Pinterest takes ${MAX_LINK}.` }];
}

function coverProblems({ cover, media }: Post): PostProblem[] {
	if (!cover) return [];
	if (media.every(({ facts }) => facts.fileType !== 'video')) return [{ field: 'cover', message: 'Only a video has a cover on Pinterest. Leave it out.' }];
	return limitProblems({ ...cover.facts, mime: cover.mime, bytes: cover.bytes }, PINTEREST_IMAGE).map(({ message }) => ({ field: 'cover', message: `Pinterest: ${message}` }));
}

function pictureProblems(post: Post): PostProblem[] {
	const problems: PostProblem[] = [];
	const alt = [...altOf(post)].length;
	if (post.media.length > 1 && alt > MAX_ALT) {
		problems.push({ field: 'media[0].alt_text', message: `A pin has one alternative text for all its pictures. Together they have ${alt} characters; Pinterest takes ${MAX_ALT}.` });
	}
	const sizes = new Set(post.media.flatMap(({ facts: { fileType, video } }) => (fileType === 'image' && video ? [`${video.width}×${video.height}`] : [])));
	if (sizes.size > 1) {
		problems.push({ field: 'media', message: `The pictures have different sizes (${[...sizes].join(', ')}); in one pin Pinterest wants them alike. Crop or resize them to one size first.` });
	}
	return problems;
}
