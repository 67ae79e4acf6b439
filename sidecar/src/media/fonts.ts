import { createHash } from 'node:crypto';
import { PipelineError } from '../errors.ts';
import { readFontFile, type FontFile } from './font-file.ts';
import { runTool } from './process.ts';

/** Fonts that texts can be drawn in: free ones, each with the package of Debian and Ubuntu that brings it. */
export const FONT_PACKAGES = {
	'DejaVu Sans': 'fonts-dejavu-core',
	'DejaVu Serif': 'fonts-dejavu-core',
	'DejaVu Sans Mono': 'fonts-dejavu-core',
	'Liberation Sans': 'fonts-liberation',
	'Noto Sans': 'fonts-noto-core',
	'Noto Sans CJK SC': 'fonts-noto-cjk',
	'Open Sans': 'fonts-open-sans',
	Roboto: 'fonts-roboto',
} as const;
export type FontName = keyof typeof FONT_PACKAGES;
export const FONT_NAMES = Object.keys(FONT_PACKAGES) as [FontName, ...FontName[]];

const TIMEOUT_MS = 20_000;

/** A font as fontconfig knows it. */
export interface InstalledFont {
	/** Its names, in several languages. */
	families: string[];
	path: string;
	/** In a collection; 0 elsewhere. */
	index: number;
}

/** fontconfig's own escaping of what separates a name from the rest of a pattern. */
const escapeName = (name: string): string => name.replace(/[\\\-:,]/g, '\\$&');

/** The font that comes nearest to a pattern of fontconfig. Null: there is no fontconfig, or no font at all. */
async function match(pattern: string): Promise<InstalledFont | null> {
	const result = await runTool('fc-match', ['-f', '%{family}\n%{file}\n%{index}', pattern], { timeoutMs: TIMEOUT_MS }).catch(() => null);
	const [families = '', path = '', index = '0'] = result?.code === 0 ? result.stdout.split('\n') : [];
	return path === '' ? null : { families: families.split(','), path, index: Number(index) || 0 };
}

/** Whether there is a fontconfig, and any font at all. */
export const hasFontconfig = async (): Promise<boolean> => (await match('sans')) !== null;

/** All fonts of this machine as one short text: another one when a font comes, goes, or is updated. */
export async function installedFonts(): Promise<string> {
	const result = await runTool('fc-list', ['-f', '%{file}:%{index}:%{fontversion}\n'], { timeoutMs: TIMEOUT_MS, maxOutputBytes: MOST_LISTED_BYTES }).catch(() => null);
	return result?.code === 0 ? createHash('sha256').update(result.stdout.split('\n').sort().join('\n')).digest('hex') : '';
}
/** Some 80 bytes for each font: 800,000 of them. */
const MOST_LISTED_BYTES = 64_000_000;

/** The font of this name, in any case of letters. Null: it is not installed. `name`: as the font itself writes it. */
export async function findFont(name: string, { bold }: { bold: boolean }): Promise<(InstalledFont & { name: string }) | null> {
	// fontconfig answers with the next best font where it has none of this name.
	const found = await match(`${escapeName(name)}:style=${bold ? 'Bold' : 'Regular'}${bold ? ':bold' : ''}`);
	const own = found?.families.find((family) => family.toLowerCase() === name.toLowerCase());
	return found && own !== undefined ? { ...found, name: own } : null;
}

/** A font that has this character; the one that fontconfig likes best. It may be wrong where no font has it. */
export const fontWith = (codePoint: number, { bold }: { bold: boolean }): Promise<InstalledFont | null> =>
	match(`sans:charset=${codePoint.toString(16)}${bold ? ':bold' : ''}`);

/** A font whose letters are known. */
export interface Font extends FontFile {
	/** By which libass finds it. */
	family: string;
}

/** Fonts of this machine, each read once. Null: it is not installed, or cannot be drawn from. */
export class FontShelf {
	readonly #byName = new Map<string, Promise<Font | null>>();
	readonly #byFile = new Map<string, Promise<FontFile | null>>();

	named(name: string, weight: { bold: boolean }): Promise<Font | null> {
		const key = `${name}\n${weight.bold}`;
		const known = this.#byName.get(key) ?? findFont(name, weight).then((found) => this.#read(found, found?.name ?? ''));
		this.#byName.set(key, known);
		return known;
	}

	/** One that has the character. */
	async having(codePoint: number, weight: { bold: boolean }): Promise<Font | null> {
		const found = await fontWith(codePoint, weight);
		const font = await this.#read(found, found?.families[0] ?? '');
		return font?.has(codePoint) ? font : null;
	}

	async #read(found: InstalledFont | null, family: string): Promise<Font | null> {
		// A comma would end the name in a style, a line break the line.
		if (!found || !/^[^,\r\n\\{}@]+$/.test(family)) return null;
		const key = `${found.index} ${found.path}`;
		const file = this.#byFile.get(key) ?? readFontFile(found.path, found.index);
		this.#byFile.set(key, file);
		const read = await file;
		return read && { ...read, family };
	}
}

/**
 * The file of a font. Throws `invalid_request` when it is not installed, with what to install.
 * @param field of the request, for the message
 */
export async function fontFile(name: FontName, { bold, field }: { bold: boolean; field: string }): Promise<string> {
	const found = await findFont(name, { bold });
	if (found) return found.path;
	throw notInstalled(name, field, await hasFontconfig());
}

/** @param known the package, where we know it @param fontconfig whether this machine has it */
export function notInstalled(name: string, field: string, fontconfig = true): PipelineError {
	const known = Object.entries(FONT_PACKAGES).find(([one]) => one === name)?.[1];
	const install = known ? `sudo apt-get install -y ${fontconfig ? '' : 'fontconfig '}${known}` : 'copy its files to /usr/local/share/fonts and run fc-cache';
	return new PipelineError('invalid_request', `The font ${name} is not installed on the machine of the sidecar. Install it (${known ? `Debian, Ubuntu: ${install}` : install}), or choose another one.`, {
		details: { field, given: name, install },
	});
}
