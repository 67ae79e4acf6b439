import sharp from 'sharp';
import { flagValue, listValue, refuseGraph, textValue, type Fetched } from './graph.ts';

export type ContainerKind = 'IMAGE' | 'VIDEO' | 'REELS' | 'STORIES' | 'CAROUSEL';

/** A container as it is asked for, checked (platforms.md 5.2, 5.4). */
export interface ContainerRequest {
	kind: ContainerKind;
	caption: string;
	/** Null: bytes are uploaded, or it has children. */
	imageUrl: string | null;
	videoUrl: string | null;
	resumable: boolean;
	carouselItem: boolean;
	children: string[];
	alt: string | null;
	coverUrl: string | null;
	thumbOffset: number | null;
	options: Record<string, unknown>;
}

/** The account of the default tokens. */
export const ACCOUNT = { id: '17841405309211844', username: 'demo' };
/** What each login calls its permissions (platforms.md 5.1). */
export const SCOPES = {
	instagram: {
		basic: 'instagram_business_basic',
		publish: 'instagram_business_content_publish',
		comments: 'instagram_business_manage_comments',
		insights: 'instagram_business_manage_insights',
	},
	facebook: { basic: 'instagram_basic', publish: 'instagram_content_publish', comments: 'instagram_manage_comments', insights: 'instagram_manage_insights' },
};

const EVERYWHERE = ['media_type', 'is_carousel_item', 'is_ai_generated'];
const PARAMETERS: Record<ContainerKind, readonly string[]> = {
	IMAGE: [...EVERYWHERE, 'image_url', 'caption', 'alt_text', 'user_tags', 'location_id', 'collaborators'],
	VIDEO: [...EVERYWHERE, 'video_url', 'upload_type', 'user_tags'],
	REELS: [
		...EVERYWHERE,
		'video_url',
		'upload_type',
		'caption',
		'share_to_feed',
		'cover_url',
		'thumb_offset',
		'audio_name',
		'collaborators',
		'user_tags',
		'location_id',
		'trial_params',
	],
	STORIES: [...EVERYWHERE, 'image_url', 'video_url', 'upload_type', 'user_tags'],
	CAROUSEL: [...EVERYWHERE, 'children', 'caption', 'collaborators', 'location_id'],
};
export const CONTAINER_PARAMETERS = [...new Set(Object.values(PARAMETERS).flat())];

export function readContainer(values: Record<string, unknown>, login: 'instagram' | 'facebook'): ContainerRequest {
	const type = textValue(values, 'media_type');
	if (type !== null && !['REELS', 'STORIES', 'CAROUSEL', 'VIDEO'].includes(type))
		refuseGraph({ message: `(#100) Param media_type must be one of {REELS, STORIES, CAROUSEL, VIDEO}`, code: 100 });
	const kind = (type ?? 'IMAGE') as ContainerKind;
	const misplaced = Object.keys(values).find((name) => !PARAMETERS[kind].includes(name));
	if (misplaced) refuseGraph({ message: `(#100) The parameter ${misplaced} is not for media of the type ${kind}`, code: 100 });
	const carouselItem = flagValue(values, 'is_carousel_item');
	if (carouselItem && !['IMAGE', 'VIDEO'].includes(kind)) refuseGraph({ message: `(#100) ${kind} cannot be in a carousel`, code: 100 });
	if (kind === 'VIDEO' && !carouselItem)
		refuseGraph({ message: '(#100) The VIDEO value for media_type is no longer supported. Use REELS', code: 100, subcode: 2207067 });
	if (carouselItem && 'caption' in values) refuseGraph({ message: '(#100) Items of a carousel have no caption', code: 100 });
	const resumable = textValue(values, 'upload_type') === 'resumable';
	const [imageUrl, videoUrl] = [textValue(values, 'image_url'), textValue(values, 'video_url')];
	if (login === 'instagram' && (resumable || 'location_id' in values))
		refuseGraph({ message: resumable ? '(#100) The parameter video_url is required' : '(#100) Param location_id is not available', code: 100 });
	if (kind !== 'CAROUSEL' && [imageUrl, videoUrl, resumable || null].filter((source) => source !== null).length !== 1) {
		refuseGraph({ message: `(#100) The parameter ${kind === 'IMAGE' ? 'image_url' : 'video_url'} is required`, code: 100 });
	}
	return {
		kind,
		caption: readCaption(values),
		imageUrl,
		videoUrl,
		resumable,
		carouselItem,
		children: kind === 'CAROUSEL' ? readChildren(values) : [],
		alt: readAlt(values),
		coverUrl: textValue(values, 'cover_url'),
		thumbOffset: readOffset(values),
		options: Object.fromEntries(
			Object.entries(values).filter(([name]) =>
				['share_to_feed', 'audio_name', 'collaborators', 'user_tags', 'location_id', 'trial_params', 'is_ai_generated'].includes(name),
			),
		),
	};
}

function readCaption(values: Record<string, unknown>): string {
	const caption = textValue(values, 'caption') ?? '';
	if (caption.length > 2200)
		refuseGraph({
			message: 'The caption was too long',
			code: 36004,
			subcode: 2207010,
			userMessage: `The caption has ${caption.length} characters, 2200 are allowed`,
		});
	const hashtags = caption.match(/#[\p{L}\p{N}_]+/gu) ?? [];
	const mentions = caption.match(/(?<![\w.])@[\w.]+/g) ?? [];
	if (hashtags.length > 30 || mentions.length > 20) refuseGraph({ message: 'Cannot use more than 30 hashtags and 20 mentions', code: 100, subcode: 2207040 });
	return caption;
}

function readChildren(values: Record<string, unknown>): string[] {
	const children = listValue(values, 'children') ?? refuseGraph({ message: '(#100) The parameter children is required', code: 100 });
	if (!children.every((child): child is string => typeof child === 'string')) return refuseGraph({ message: '(#100) children must be ids', code: 100 });
	if (children.length < 2 || children.length > 10) refuseGraph({ message: 'A carousel has 2 to 10 items', code: 100, subcode: 2207028 });
	return children;
}

function readAlt(values: Record<string, unknown>): string | null {
	const alt = textValue(values, 'alt_text');
	if (alt !== null && alt.length > 1000) refuseGraph({ message: '(#100) alt_text has at most 1000 characters', code: 100 });
	return alt;
}

function readOffset(values: Record<string, unknown>): number | null {
	if (values['thumb_offset'] === undefined) return null;
	const offset = Number(values['thumb_offset']);
	return Number.isInteger(offset) && offset >= 0 ? offset : refuseGraph({ message: 'Thumbnail offset is invalid', code: 1, subcode: 2207057 });
}

const COULD_NOT_FETCH = {
	message: 'Only photo or video can be accepted as media type.',
	code: 9004,
	subcode: 2207052,
	userTitle: 'The media could not be fetched from this URI',
};

/** A JPEG, 4:5 to 1.91:1, at most 8 MB; refused at once, as the real one does. Widths are scaled. */
export async function checkImage(fetched: Fetched | string): Promise<Fetched> {
	if (typeof fetched === 'string') return refuseGraph({ ...COULD_NOT_FETCH, userMessage: fetched });
	if (fetched.mime !== 'image/jpeg')
		return refuseGraph({
			message: 'The image format is not supported',
			code: 36001,
			subcode: 2207005,
			userMessage: `The image format is not supported. The format is ${fetched.mime}, supported: JPEG`,
		});
	const { width = 0, height = 1 } = await sharp(fetched.bytes)
		.metadata()
		.catch(() => refuseGraph(COULD_NOT_FETCH));
	if (width / height < 0.8 || width / height > 1.91) {
		refuseGraph({
			message: 'The aspect ratio is not supported.',
			code: 36003,
			subcode: 2207009,
			userMessage: `The submitted image with aspect ratio ${(width / height).toFixed(2)} cannot be published`,
		});
	}
	return fetched;
}

/** Null: fine. Otherwise the subcode that the container's status tells. */
export function checkVideo(fetched: Fetched | string, kind: ContainerKind): number | null {
	if (typeof fetched === 'string') return 2207077;
	return videoProblem(fetched.mime, fetched.size, kind);
}

export function videoProblem(mime: string, size: number, kind: ContainerKind): number | null {
	if (!['video/mp4', 'video/quicktime'].includes(mime)) return 2207026;
	return size > (kind === 'STORIES' ? 100e6 : 300e6) ? 2207026 : null;
}
