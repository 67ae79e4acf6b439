import { inOrder } from './ass-order.ts';
import { lineWidth, pagesOf, setWord, type Page, type SetWord } from './ass-pages.ts';
import { asDrawn, frameOf, type Frame, type SafeAreaName, type SubtitlePosition, type SubtitleSize, type SubtitleStyle } from './ass-style.ts';
import { wordsOf, type TimedText } from './ass-words.ts';
import type { FontChoice } from './font-choice.ts';
import type { Font } from './fonts.ts';
import type { Rectangle, Size } from './geometry.ts';

/**
 * Styled subtitles as Advanced SubStation Alpha, for libass. Every line is an event of its own at a place of its own: where it
 * stands is then the same in every font, and lines never move when a word changes its colour. Pure.
 */

export interface SubtitleLook {
	style: SubtitleStyle;
	/** Whose buttons and texts must not lie over the text. */
	platform: SafeAreaName;
	position: SubtitlePosition;
	size: SubtitleSize;
	bold: boolean;
	upperCase: boolean;
	/** At most so many words at once. */
	maxWords: number;
	/** `#rrggbb` */
	colours: { text: string; highlight: string; outline: string; box: string };
	/** 0 (invisible) to 1. */
	boxOpacity: number;
}

export interface StyledSubtitles {
	/** The file. */
	ass: string;
	/** How often the text changes. */
	pages: number;
}

/** @param target the picture that is drawn on, and ffmpeg's name of its matrix */
export function styledAss(...what: Parameters<typeof drawAss>): StyledSubtitles {
	const work = drawAss(...what);
	for (let step = work.next(); ; step = work.next()) if (step.done) return step.value;
}

/** The same in steps of a page each, between which others may have the processor: 10,000 subtitles take seconds. */
export function* drawAss(cues: readonly TimedText[], language: string, look: SubtitleLook, fonts: FontChoice, target: { size: Size; matrix: string }): Generator<void, StyledSubtitles> {
	const frame = frameOf(target.size, { style: look.style, platform: look.platform, scale: look.size });
	const space = fonts.main.advance(0x20) || 0.27;
	const padding = look.style === 'boxed' ? PADDING.x : OUTLINE[look.style];
	const limits = { width: (frame.right - frame.left) / frame.em - 2 * padding, maxLines: frame.maxLines, maxWords: look.maxWords, byBreath: look.style === 'word', space };
	const drawing: Drawing = { look, frame, space, fonts, colours: paint(look, target.matrix), size: target.size, language };
	const known: Parameters<typeof setWord>[2] = new Map();
	const parts = [header(drawing)];
	let pages = 0;
	for (const cue of inOrder(cues)) {
		const lines = wordsOf(cue, language).map((line) => line.flatMap((word) => setWord(look.upperCase ? { ...word, text: capitals(word.text, language) } : word, fonts, known) ?? []));
		for (const page of pagesOf(lines, cue, limits)) {
			pages += 1;
			parts.push(eventsOf(page, drawing));
			yield;
		}
	}
	return { ass: parts.join(''), pages };
}

interface Drawing {
	look: SubtitleLook;
	frame: Frame;
	space: number;
	fonts: FontChoice;
	/** As ASS writes them: `&HBBGGRR&`. */
	colours: Record<'text' | 'highlight' | 'outline' | 'box' | 'shadow', string>;
	size: Size;
	language: string;
}

/** As the language writes them: ß becomes SS, and i in Turkish İ. */
export const capitals = (text: string, language: string): string => text.toLocaleUpperCase(language || 'en');

/** Parts of the font size. */
const OUTLINE: Record<SubtitleStyle, number> = { plain: 0.065, boxed: 0, karaoke: 0.08, word: 0.085 };
const SHADOW: Record<SubtitleStyle, number> = { plain: 0.04, boxed: 0, karaoke: 0.05, word: 0.055 };
/** Between text and the edge of its box. */
const PADDING = { x: 0.5, y: 0.3 };
const RADIUS = 0.28;
/** From one base line to the next. Scripts with marks above and below need more. */
const PITCH = 1.24;
const TALL_PITCH = 1.5;
const TALL = 1.55;
/** What letters like g reach below the base line, and letters like l above it. Measured on Noto: in Arabic and Indic scripts it is more. */
const DESCENT = 0.22;
const ASCENT = 0.78;
const DEEP_DESCENT = 0.5;
const HIGH_ASCENT = 0.92;
/** Letters that belong to no script (ー, ʼ, µ, 〆) are as deep as those around them. */
const DEEP = /(?![\p{Script=Common}\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Hebrew}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}])\p{L}/u;

const hex = ([red, green, blue]: readonly number[]): string => `&H${[blue, green, red].map((value) => (value ?? 0).toString(16).padStart(2, '0')).join('').toUpperCase()}&`;
const opacity = (part: number): string => `&H${Math.round(255 * (1 - part)).toString(16).padStart(2, '0').toUpperCase()}&`;

function paint({ colours: { text, highlight, outline, box } }: SubtitleLook, matrix: string): Drawing['colours'] {
	const of = (colour: string): string => hex(asDrawn(colour, matrix));
	return { text: of(text), highlight: of(highlight), outline: of(outline), box: of(box), shadow: hex([0, 0, 0]) };
}

const number = (value: number): string => String(Math.round(value * 100) / 100);

function header({ look, frame, fonts, size, colours }: Drawing): string {
	const { family, lineHeight } = fonts.main;
	const full = (colour: string, alpha = '00'): string => `&H${alpha}${colour.slice(2, -1)}`;
	const style = [
		...['Default', family, number(frame.em * lineHeight)],
		...[full(colours.text), full(colours.text), full(colours.outline), full(colours.shadow, '60')],
		// -1 is "yes"; the last -1 lets libass find the direction of a text, and put all of it in order, whatever changes in between.
		...[look.bold ? -1 : 0, 0, 0, 0, 100, 100, 0, 0, 1, number(frame.em * OUTLINE[look.style]), number(frame.em * SHADOW[look.style]), 5, 0, 0, 0, -1],
	];
	return [
		'[Script Info]',
		'ScriptType: v4.00+',
		`PlayResX: ${size.width}`,
		`PlayResY: ${size.height}`,
		'WrapStyle: 2',
		'ScaledBorderAndShadow: yes',
		'Kerning: yes',
		'',
		'[V4+ Styles]',
		'Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding',
		`Style: ${style.join(',')}`,
		'',
		'[Events]',
		'Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text',
		'',
	].join('\n');
}

/** Text as text: braces would open commands, and a backslash before some letters is one. libass does not draw the joiner. */
export const escapeAss = (text: string): string => (/[\\{}]/.test(text) ? escaped(text) : text);
const escaped = (text: string): string => text.replaceAll('\\', '\\\u2060').replace(/[{}]/g, '\\$&');

/** `1:02:03.04`: ASS counts in hundredths. */
function clock(ms: number): string {
	const hundredths = Math.round(ms / 10);
	const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
	return `${Math.floor(hundredths / 360_000)}:${two((hundredths / 6000) % 60)}:${two((hundredths / 100) % 60)}.${two(hundredths % 100)}`;
}

const dialogue = (layer: number, start: number, end: number, text: string): string => {
	const [from, to] = [clock(start), clock(end)];
	return from === to ? '' : `Dialogue: ${layer},${from},${to},Default,,0,0,0,,${text}\n`;
};

function eventsOf(page: Page, drawing: Drawing): string {
	const { look, frame, fonts, size } = drawing;
	const em = frame.em * page.scale;
	const baseLine = firstBaseLine(page, em, drawing);
	const pitch = em * pitchOf(page.lines);
	const x = number(size.width / 2);
	const rightToLeft = runsFromRight(page.lines.flat().map(({ text }) => text).join(' '), drawing.language);
	const box = look.style === 'boxed' ? dialogue(0, page.start, page.end, boxOf(page, em, baseLine, drawing)) : '';
	const moments = look.style === 'karaoke' || look.style === 'word' ? momentsOf(page, look.style) : [{ start: page.start, end: page.end, lit: null }];
	const lines = page.lines.flatMap((words, index) => {
		const place = `\\pos(${x},${number(baseLine + index * pitch + centreOf(words, fonts) * em)})\\xshad0\\blur${number(Math.max(0.4, em * 0.01))}`;
		return ofLine(moments, words).map(({ start, end, lit }) => {
			const pop = look.style === 'word' && start === page.start ? POP : '';
			return dialogue(1, start, end, `{${place}${pop}}${textOf(words, { em, lit, rightToLeft, scale: page.scale }, drawing)}`);
		});
	});
	return box + lines.join('');
}

/** A line stays as it is while words of other lines are said. */
function ofLine(moments: readonly Moment[], words: readonly SetWord[]): Moment[] {
	const own: Moment[] = [];
	for (const { start, end, lit } of moments) {
		const here = lit && words.includes(lit) ? lit : null;
		const last = own.at(-1);
		if (last?.lit === here && last.end === start) last.end = end;
		else own.push({ start, end, lit: here });
	}
	return own;
}

/** A little too large, then as it is: 150 ms in all. */
const POP = '\\fscx82\\fscy82\\t(0,90,\\fscx105\\fscy105)\\t(90,150,\\fscx100\\fscy100)';

interface Moment {
	start: number;
	end: number;
	/** The word that is being said. */
	lit: SetWord | null;
}

/** Shorter breaks between words are none. */
const BREAK_MS = 600;

function momentsOf(page: Page, style: SubtitleStyle): Moment[] {
	const words = page.lines.flat();
	// One word alone needs no light.
	if (style === 'word' && words.length === 1) return [{ start: page.start, end: page.end, lit: null }];
	const moments: Moment[] = [];
	let free = page.start;
	const until = (time: number, lit: SetWord | null): void => {
		const end = Math.min(page.end, Math.max(free, time));
		if (end > free) moments.push({ start: free, end, lit });
		free = end;
	};
	for (const [index, word] of words.entries()) {
		until(word.start, null);
		const next = words[index + 1]?.start ?? page.end;
		until(next - word.end > BREAK_MS ? word.end : next, word);
	}
	until(page.end, null);
	return moments;
}

/** The base line of the first line. */
function firstBaseLine({ lines }: Page, em: number, { look, frame, fonts, size }: Drawing): number {
	const padding = (look.style === 'boxed' ? PADDING.y : OUTLINE[look.style]) * em;
	const capitals = fonts.main.capHeight * em;
	const height = em * pitchOf(lines) * (lines.length - 1);
	const words = lines.flat();
	const descent = words.some(({ text }) => DEEP.test(text)) ? DEEP_DESCENT : DESCENT;
	const ascent = words.some(({ pieces }) => pieces.some(({ font }) => font !== fonts.main)) ? HIGH_ASCENT : ASCENT;
	return {
		bottom: frame.bottom - descent * em - padding - height,
		top: frame.top + Math.max(capitals, ascent * em) + padding,
		middle: (size.height - height + capitals) / 2,
	}[look.position];
}

const pitchOf = (lines: readonly SetWord[][]): number => (lines.flat().some(({ pieces }) => pieces.some(({ font }) => font.lineHeight > TALL)) ? TALL_PITCH : PITCH);

/** From the base line down to the middle of the line: libass centres what lies between the highest and the lowest that its fonts could draw. */
function centreOf(line: readonly SetWord[], { main }: FontChoice): number {
	// Blanks are of the main font.
	const fonts = [...(line.length > 1 ? [main] : []), ...line.flatMap(({ pieces }) => pieces.map(({ font }) => font))];
	const ascent = Math.max(...fonts.map((font) => font.ascent));
	const descent = Math.max(...fonts.map((font) => font.lineHeight - font.ascent));
	return (descent - ascent) / 2;
}

/** One box for all lines: boxes of single lines would be darker where they meet. */
function boxOf({ lines }: Page, em: number, baseLine: number, { space, size, colours, look, fonts }: Drawing): string {
	const width = Math.max(...lines.map((line) => lineWidth(line, space))) * em + 2 * PADDING.x * em;
	const capitals = fonts.main.capHeight * em;
	const height = capitals + DESCENT * em + em * pitchOf(lines) * (lines.length - 1) + 2 * PADDING.y * em;
	const outline = rounded({ x: (size.width - width) / 2, y: baseLine - capitals - PADDING.y * em, width, height }, RADIUS * em);
	return `{\\pos(0,0)\\an7\\bord0\\shad0\\1c${colours.box}\\1a${opacity(look.boxOpacity)}\\p1}${outline}`;
}

/** A rectangle with round corners, in the drawing commands of ASS. */
function rounded({ x, y, width, height }: Rectangle, radius: number): string {
	const at = (...values: number[]): string => values.map((value) => String(Math.round(value))).join(' ');
	const [right, below, r, k] = [x + width, y + height, radius, radius * 0.4477];
	return [
		`m ${at(x + r, y)} l ${at(right - r, y)} b ${at(right - k, y, right, y + k, right, y + r)}`,
		`l ${at(right, below - r)} b ${at(right, below - k, right - k, below, right - r, below)}`,
		`l ${at(x + r, below)} b ${at(x + k, below, x, below - k, x, below - r)}`,
		`l ${at(x, y + r)} b ${at(x, y + k, x + k, y, x + r, y)}`,
	].join(' ');
}

/** Letters, and marks of direction. */
const FIRST_STRONG = /[\u200e\u200f\p{L}]/u;
const RIGHT_TO_LEFT = /[\u200f\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;
const MARKS = { rightToLeft: '\u200f', leftToRight: '\u200e' };
/** Languages that are written from right to left. */
const RIGHT_TO_LEFT_LANGUAGES = /^(ar|dv|fa|he|ps|sd|ug|ur|yi)$/;

/** All lines of a page run in the direction of the language; where that is not known, of the first letter. Also one that begins with a name in other letters. */
function runsFromRight(text: string, language: string): boolean {
	if (RIGHT_TO_LEFT_LANGUAGES.test(language)) return RIGHT_TO_LEFT.test(text);
	return RIGHT_TO_LEFT.test(FIRST_STRONG.exec(text)?.[0] ?? '');
}

interface Shown {
	em: number;
	lit: SetWord | null;
	rightToLeft: boolean;
	/** Below 1 on pages whose letters are smaller. */
	scale: number;
}

/** The words of a line as they are read, with commands only where something changes. */
function textOf(words: readonly SetWord[], { em, lit, rightToLeft, scale }: Shown, { colours, fonts }: Drawing): string {
	// Without it libass takes the first letter of each line.
	const mark = rightToLeft ? MARKS.rightToLeft : words.some(({ text }) => RIGHT_TO_LEFT.test(text)) ? MARKS.leftToRight : '';
	let font = fonts.main;
	let colour = colours.text;
	let out = `${scale < 1 ? `{\\fs${number(em * font.lineHeight)}}` : ''}${mark}`;
	const write = (text: string, wanted: Font, paintedIn: string): void => {
		const tags = [
			...(wanted === font ? [] : [`\\fn${wanted.family}\\fs${number(em * wanted.lineHeight)}`]),
			...(paintedIn === colour ? [] : [`\\1c${paintedIn}`]),
		];
		[font, colour] = [wanted, paintedIn];
		out += `${tags.length > 0 ? `{${tags.join('')}}` : ''}${text}`;
	};
	words.forEach((word, index) => {
		// A blank has the colour of what stands before it: one change less.
		if (word.spaced && index > 0) write(' ', fonts.main, colour);
		for (const piece of word.pieces) write(escapeAss(piece.text), piece.font, word === lit ? colours.highlight : colours.text);
	});
	return out;
}
