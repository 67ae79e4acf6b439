import { toAssClock } from './clock.ts';
import type { Cue } from './cue.ts';

/** Advanced SubStation Alpha with one plain style. Styled ones are made for burning in (media/ass.ts). */
export const toAss = (cues: readonly Cue[], { markup = false }: { markup?: boolean | undefined } = {}): string => `${HEADER}${cues.map((cue) => dialogue(cue, markup)).join('')}`;

/** The picture is taken to be 1920 × 1080; players scale it. */
const HEADER = `[Script Info]
ScriptType: v4.00+
PlayResX: 1920
PlayResY: 1080
WrapStyle: 2
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Noto Sans,58,&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,96,96,54,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
`;

/** ASS counts in hundredths of a second: what is shorter would end when it begins. */
const LEAST_MS = 10;

const dialogue = ({ start, end, lines, speaker = '' }: Cue, markup: boolean): string =>
	`Dialogue: 0,${toAssClock(start)},${toAssClock(Math.max(end, start + LEAST_MS))},Default,${speaker.replace(/[,\r\n]/g, ' ')},0,0,0,,${lines.map((line) => (markup ? withMarkup(line) : escapeAss(line))).join('\\N')}\n`;

/**
 * libass knows `\{`. A backslash before n, N, h or a brace is a command: a word joiner (U+2060) behind it makes it text, as ffmpeg
 * does it.
 */
export const escapeAss = (text: string): string => text.replace(/\\(?=[nNh{}])/g, '\\\u2060').replace(/[{}]/g, '\\$&');

const withMarkup = (line: string): string => escapeAss(line).replace(/<(\/?)([ibu])>/g, (_tag, slash: string, name: string) => `{\\${name}${slash ? 0 : 1}}`);
