import { filterValue } from './ffmpeg-arguments.ts';
import type { Size } from './geometry.ts';

/** A name and a line below it on a coloured panel, as television shows who is speaking. Pure. */

export interface BannerText {
	title: string;
	subtitle: string | undefined;
	/** `#rrggbb` */
	colour: string;
	textColour: string;
	from: number;
	seconds: number;
	fonts: { title: string; subtitle: string };
}

export interface Banner {
	/** A source that ends in `[out]`, with transparency. */
	filters: string;
	attachments: Record<string, string>;
	area: Size & { x: number; y: number };
}

/** What fonts do not have, and drawtext would show as a box: pictures, joiners, and what cannot be seen. */
const UNDRAWABLE = /\p{Emoji_Presentation}|\p{Regional_Indicator}|[\uFE0F\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFFD]|\p{Cc}|\p{Cs}|\p{Co}/gu;

/** One line of what fonts can draw. */
export const drawable = (text: string): string => text.normalize('NFC').replace(UNDRAWABLE, ' ').replace(/\s+/g, ' ').trim();

/** Widths in parts of the font size, of DejaVu Sans Bold, the widest of the fonts; rather too wide than too narrow. */
function widthOf(text: string): number {
	return [...text].reduce((sum, letter) => sum + (/[\u1100-\uFFDC]/.test(letter) ? 1.02 : /[MWmw@%]/.test(letter) ? 1.05 : /[A-Z0-9ÄÖÜ&]/.test(letter) ? 0.8 : /[ilj.,:;!'|I ]/.test(letter) ? 0.42 : 0.72), 0);
}

/** Parts of the shorter side of the video; what is usual for lower thirds (large enough for a phone). */
const TITLE_SIZE = 0.06;
const SUBTITLE_PART = 0.62;
const MARGIN = 0.05;
const MOST_WIDTH = 0.9;
const OPACITY = 0.88;
const FADE_SECONDS = 0.3;

export function banner(video: Size, { title, subtitle, colour, textColour, from, seconds, fonts }: BannerText, { matrix, rate }: { matrix: string; rate: string }): Banner {
	const shorter = Math.min(video.width, video.height);
	const widest = Math.max(widthOf(title), widthOf(subtitle ?? '') * SUBTITLE_PART);
	const margin = Math.round(shorter * MARGIN);
	const room = video.width * MOST_WIDTH - margin;
	// Padding on both sides is one font size in all.
	const size = Math.max(2, Math.floor(Math.min(shorter * TITLE_SIZE, room / (widest + 1.2))));
	const small = Math.max(2, Math.round(size * SUBTITLE_PART));
	const pad = Math.round(size * 0.6);
	const even = (value: number): number => Math.max(2, Math.ceil(value / 2) * 2);
	const x = margin - (margin % 2);
	const width = Math.min(even(widest * size + 2 * pad), video.width - x - ((video.width - x) % 2));
	const height = even((subtitle ? size * 1.35 + small * 1.25 : size * 1.2) + 1.2 * pad);
	const fade = Math.min(FADE_SECONDS, seconds / 4);
	const line = (file: string, font: string, fontSize: number, y: number): string =>
		`drawtext=fontfile=${filterValue(font)}:textfile={file:${file}}:expansion=none:fontsize=${fontSize}:fontcolor=0x${textColour.slice(1)}:x=${pad}:y=${Math.round(y)}`;
	// Lines stand on base lines, whatever letters they have.
	const baseline = (top: number, fontSize: number): string => `${Math.round(top + fontSize * 0.95)}-ascent`;
	const lines = [
		line('title.txt', fonts.title, size, 0).replace(/y=0$/, `y=${baseline(pad * 0.6, size)}`),
		...(subtitle ? [line('subtitle.txt', fonts.subtitle, small, 0).replace(/y=0$/, `y=${baseline(pad * 0.6 + size * 1.35, small)}`)] : []),
	];
	return {
		filters: [
			`color=c=0x${colour.slice(1)}@${OPACITY}:s=${width}x${height}:r=${rate}:d=${seconds.toFixed(3)},format=rgba`,
			...lines,
			`fade=t=in:st=0:d=${fade.toFixed(3)}:alpha=1`,
			`fade=t=out:st=${(seconds - fade).toFixed(3)}:d=${fade.toFixed(3)}:alpha=1`,
			`scale=out_color_matrix=${matrix}:out_range=tv`,
			`format=yuva420p,setpts=PTS+${from.toFixed(3)}/TB[out]`,
		].join(','),
		attachments: { 'title.txt': title, ...(subtitle ? { 'subtitle.txt': subtitle } : {}) },
		area: { x, y: Math.max(0, even(video.height - height - margin * 1.5)), width, height },
	};
}
