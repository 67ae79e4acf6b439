import { PipelineError } from '../errors.ts';
import { canDrawSubtitles } from './check.ts';
import { FontShelf, hasFontconfig, notInstalled, type Font } from './fonts.ts';

/** Which font draws which letter of a text: the one that was asked for, and for what it lacks, those of each script. */

export interface FontChoice {
	/** Draws whatever it has. */
	main: Font;
	/** For one letter with its marks. Null: no font has it, and it is left out. */
	of(grapheme: string): Font | null;
	/** What no font of this machine has: emoji and symbols. Letters that no font has are an error. */
	leftOut: string[];
}

const CJK = new Set(['Han', 'Hiragana', 'Katakana', 'Hangul', 'Bopomofo']);
/** Scripts that are written today, by their names in Unicode. Fonts of the same name in Noto draw them. */
const SCRIPTS = (
	'Latin,Greek,Cyrillic,Arabic,Hebrew,Han,Hiragana,Katakana,Hangul,Bopomofo,Thai,Devanagari,Bengali,Tamil,Telugu,Gujarati,Gurmukhi,Kannada,Malayalam,Oriya,Sinhala,' +
	'Khmer,Lao,Myanmar,Ethiopic,Georgian,Armenian,Tibetan,Thaana,Syriac,Cherokee,Canadian_Aboriginal,Mongolian,Javanese,Balinese,Nko,Tifinagh,Yi,Adlam'
).split(',');
const IS_SCRIPT = SCRIPTS.map((name) => ({ name, test: new RegExp(`\\p{Script=${name}}`, 'u') }));

/** Unicode's name of the script; null for what belongs to none, like digits and emoji. */
const scriptOf = (character: string): string | null => IS_SCRIPT.find(({ test }) => test.test(character))?.name ?? null;

/** Of the same letter, Chinese, Japanese and Korean draw different shapes. */
function cjkRegion(text: string, language: string): string {
	const spoken = { ja: 'JP', ko: 'KR', zh: 'SC' }[language];
	return spoken ?? (/[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text) ? 'JP' : /\p{Script=Hangul}/u.test(text) ? 'KR' : 'SC');
}

/** Black and white: libass 0.17 draws no colours. */
const SYMBOL_FONTS = ['Noto Emoji', 'Noto Sans Symbols2', 'Noto Sans Symbols', 'DejaVu Sans', 'Symbola', 'Noto Sans Math'];

/** Names of fonts, the best one first. */
function candidatesFor(script: string | null, region: string): string[] {
	if (script === null) return SYMBOL_FONTS;
	if (CJK.has(script)) return [`Noto Sans CJK ${region}`, `Noto Sans ${region}`, 'Noto Sans CJK SC', 'Noto Sans CJK JP'];
	const name = script === 'Nko' ? 'NKo' : script.replaceAll('_', ' ');
	return [...(/^(Latin|Greek|Cyrillic)$/.test(script) ? ['Noto Sans'] : [`Noto Sans ${name}`, `Noto Serif ${name}`]), 'DejaVu Sans'];
}

const packageFor = (script: string): string => (CJK.has(script) ? 'fonts-noto-cjk' : 'fonts-noto-core');

/** What is used where nobody asks for a font: the first that is installed. */
const USUAL = ['Noto Sans', 'Open Sans', 'DejaVu Sans', 'Liberation Sans'];

/** Joiners, marks of direction, variation selectors: no font needs them. */
const INVISIBLE = /\p{DI}/u;

export interface FontWish {
	/** Absent: a usual one. */
	font?: string | undefined;
	bold: boolean;
	/** ISO 639-1; `''` where it is not known. */
	language: string;
	/** Of the request, for messages. */
	fields: { font: string; text: string };
}

/** Each question to fontconfig takes some 20 ms: 4 s in all. Ordinary texts need a handful, as a font that was found once serves again. */
const MOST_ASKED = 200;

/** Throws `invalid_request` where the font is not installed, or letters of the text are in none that is. */
export async function chooseFonts(text: string, { font, bold, language, fields }: FontWish, shelf: FontShelf = new FontShelf()): Promise<FontChoice> {
	const weight = { bold };
	const main = font === undefined ? await firstOf(USUAL, () => true, shelf, weight) : await shelf.named(font, weight);
	if (!main) throw notInstalled(font ?? 'Noto Sans', fields.font, await hasFontconfig());
	const region = cjkRegion(text, language);
	const others = new Map<string, Font>();
	const leftOut: string[] = [];
	const letterless = new Map<string, string>();
	const found = new Set<Font>();
	let asked = 0;
	const anyWith = async (codePoint: number): Promise<Font | null> => {
		const known = [...found].find((one) => one.has(codePoint));
		if (known || asked >= MOST_ASKED) return known ?? null;
		asked += 1;
		return shelf.having(codePoint, weight);
	};
	for (const character of new Set(text)) {
		const codePoint = character.codePointAt(0) ?? 0;
		if (main.has(codePoint) || INVISIBLE.test(character) || /\s|\p{Emoji_Modifier}/u.test(character)) continue;
		const script = scriptOf(character);
		const other = (await firstOf(candidatesFor(script, region), (one) => one.has(codePoint), shelf, weight)) ?? (await anyWith(codePoint));
		if (other) {
			others.set(character, other);
			found.add(other);
		} else if (/\p{L}/u.test(character)) letterless.set(script ?? 'Common', `${letterless.get(script ?? 'Common') ?? ''}${character}`);
		else leftOut.push(character);
	}
	const [missing] = letterless;
	if (missing) throw noFontFor(...missing, fields.text);
	return {
		main,
		leftOut,
		of(grapheme) {
			const visible = [...grapheme].filter((character) => !INVISIBLE.test(character));
			if (visible.every((character) => main.has(character.codePointAt(0) ?? 0))) return main;
			return visible.map((character) => others.get(character)).find((one) => one !== undefined) ?? (main.has(grapheme.codePointAt(0) ?? 0) ? main : null);
		},
	};
}

async function firstOf(names: readonly string[], fits: (font: Font) => boolean, shelf: FontShelf, weight: { bold: boolean }): Promise<Font | null> {
	for (const name of names) {
		const font = await shelf.named(name, weight);
		if (font && fits(font)) return font;
	}
	return null;
}

function noFontFor(script: string, letters: string, field: string): PipelineError {
	const install = `sudo apt-get install -y ${packageFor(script)}`;
	const name = script.replaceAll('_', ' ');
	return new PipelineError('invalid_request', `No font on the machine of the sidecar has ${name === 'Common' ? 'the letters' : `${name} letters`} “${[...letters].slice(0, 8).join('')}”. Install one (Debian, Ubuntu: ${install}).`, {
		details: { field, script: name, install },
	});
}

/** One letter for each of the scripts that most of the world reads. */
const SAMPLES: Record<string, string> = { Latin: 'a', Cyrillic: 'я', Greek: 'α', Arabic: 'ع', Hebrew: 'א', Han: '字', Hiragana: 'あ', Hangul: '한', Devanagari: 'अ', Bengali: 'অ', Tamil: 'அ', Thai: 'ก' };

/** For the log at boot: what subtitles cannot be drawn in here, and what to install. Empty: nothing is missing. */
export async function checkFonts(shelf: FontShelf = new FontShelf()): Promise<string[]> {
	const problems = (await canDrawSubtitles()) ? [] : ['This ffmpeg was built without libass: subtitles cannot be burned in. Install a full ffmpeg.'];
	if (!(await hasFontconfig())) return [...problems, 'Neither fontconfig nor a font was found: subtitles cannot be burned in. Install them: sudo apt-get install -y fontconfig fonts-noto-core fonts-noto-cjk (Debian, Ubuntu).'];
	const missing = new Map<string, string[]>();
	for (const [script, letter] of Object.entries(SAMPLES)) {
		const codePoint = letter.codePointAt(0) ?? 0;
		const found = (await firstOf(candidatesFor(script, 'SC'), (font) => font.has(codePoint), shelf, { bold: true })) ?? (await shelf.having(codePoint, { bold: true }));
		if (!found) missing.set(packageFor(script), [...(missing.get(packageFor(script)) ?? []), script]);
	}
	const advice = [...missing].map(([name, scripts]) => `No font has ${scripts.join(', ')} letters: subtitles of them cannot be burned in. Install one: sudo apt-get install -y ${name} (Debian, Ubuntu).`);
	return [...problems, ...advice];
}
