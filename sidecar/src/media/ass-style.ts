import type { Size } from './geometry.ts';

/** How burned-in subtitles look, and where they stand. Pure. */

export const SUBTITLE_STYLES = ['plain', 'boxed', 'karaoke', 'word'] as const;
export type SubtitleStyle = (typeof SUBTITLE_STYLES)[number];

export const SUBTITLE_POSITIONS = ['bottom', 'middle', 'top'] as const;
export type SubtitlePosition = (typeof SUBTITLE_POSITIONS)[number];

export const SUBTITLE_SIZES = { small: 0.8, medium: 1, large: 1.25, extra_large: 1.55 } as const;
export type SubtitleSize = keyof typeof SUBTITLE_SIZES;
export const SUBTITLE_SIZE_NAMES = Object.keys(SUBTITLE_SIZES) as [SubtitleSize, ...SubtitleSize[]];

/** Parts of width and height that an app lays its own buttons and texts over. */
interface SafeArea {
	top: number;
	bottom: number;
	/** Of either side: subtitles stay in the middle of the picture. */
	sides: number;
}

/**
 * Of upright videos (9:16), which apps show over the whole screen. Platforms publish little of this and change it.
 * TikTok: its template for in-feed ads (TikTok Ads Help, "In-Feed Standard") has 160 px above and 440 px below, of 1280; measured by
 * others, not by us. At the right guides to it say 150 of 1080 px. Reels, Stories: Meta Ads Guide, 14 % above, below 35 % and
 * 20 %, 6 % at the sides. Shorts: no numbers of YouTube; guides to it say 480 of 1920 px below; above and at the right as TikTok,
 * about.
 */
const PLATFORMS = {
	none: { top: 0.08, bottom: 0.12, sides: 0.06 },
	tiktok: { top: 160 / 1280, bottom: 440 / 1280, sides: 150 / 1080 },
	reels: { top: 0.14, bottom: 0.35, sides: 0.06 },
	shorts: { top: 0.1, bottom: 0.25, sides: 150 / 1080 },
	stories: { top: 0.14, bottom: 0.2, sides: 0.06 },
} satisfies Record<string, SafeArea>;
export type SafeAreaName = keyof typeof PLATFORMS;
export const SAFE_AREA_NAMES = Object.keys(PLATFORMS) as [SafeAreaName, ...SafeAreaName[]];

/** 5 % all around is the title-safe area of television (EBU R 95); players put their bar below. */
const OTHERS: SafeArea = { top: 0.06, bottom: 0.07, sides: 0.08 };
/** Width over height below which apps show a video over the whole screen: 9:16 is 0.56, 4:5 is 0.8. */
const UPRIGHT = 0.7;

/** Font sizes as parts of the height of wide videos, and of the width of upright ones; lines that stand at once. */
const LOOKS: Record<SubtitleStyle, { wide: number; upright: number; lines: { wide: number; upright: number } }> = {
	// 1080 × 0.05 = 54 px, a little more than the 50 px of television (EBU-TT-D, 1/15 of the height with its leading).
	plain: { wide: 0.05, upright: 0.062, lines: { wide: 2, upright: 3 } },
	boxed: { wide: 0.047, upright: 0.058, lines: { wide: 2, upright: 3 } },
	karaoke: { wide: 0.064, upright: 0.083, lines: { wide: 2, upright: 2 } },
	word: { wide: 0.125, upright: 0.135, lines: { wide: 1, upright: 1 } },
};

export interface Frame {
	/** Font size: the side of the em square, pixels. */
	em: number;
	maxLines: number;
	/** Where text may stand, pixels. */
	left: number;
	right: number;
	top: number;
	bottom: number;
}

export function frameOf(size: Size, { style, platform, scale }: { style: SubtitleStyle; platform: SafeAreaName; scale: SubtitleSize }): Frame {
	const ratio = size.width / size.height;
	const upright = ratio < UPRIGHT;
	const look = LOOKS[style];
	const area = upright ? PLATFORMS[platform] : OTHERS;
	// Between 1:1 and 16:9 the height would make lines too short; 4:5 counts by its width as well.
	const em = (ratio < 1 ? size.width * look.upright : Math.min(size.height, size.width * 0.7) * look.wide) * SUBTITLE_SIZES[scale];
	return {
		em: Math.max(4, Math.round(em * 10) / 10),
		maxLines: ratio < 1 ? look.lines.upright : look.lines.wide,
		left: Math.round(size.width * area.sides),
		right: Math.round(size.width * (1 - area.sides)),
		top: Math.round(size.height * area.top),
		bottom: Math.round(size.height * (1 - area.bottom)),
	};
}

/** ffmpeg's names of matrices, with the share of red and blue in brightness (ITU-R BT.601, BT.709, BT.2020). */
const WEIGHTS: Readonly<Record<string, readonly [number, number]>> = { bt601: [0.299, 0.114], bt709: [0.2126, 0.0722], bt2020: [0.2627, 0.0593] };

/**
 * The colour that must be given for this one to be seen in a video that the filter `ass` takes for one of BT.601: up to ffmpeg 6 it takes
 * all for that, later ones go by what pictures say of themselves (libavfilter/vf_subtitles.c).
 * @param colour `#rrggbb` @param matrix of the video, e.g. `bt709`
 */
export function asDrawn(colour: string, matrix: string): [number, number, number] {
	const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as [number, number, number];
	const [r, b] = WEIGHTS[matrix] ?? [0.299, 0.114];
	const luma = r * red + (1 - r - b) * green + b * blue;
	const [cb, cr] = [(blue - luma) / (2 - 2 * b), (red - luma) / (2 - 2 * r)];
	const drawn: [number, number, number] = [luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb];
	return drawn.map((value) => Math.min(255, Math.max(0, Math.round(value)))) as [number, number, number];
}
