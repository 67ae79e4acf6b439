import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawnText } from '../../../sidecar/src/media/ass-words.ts';
import { checkFonts, chooseFonts } from '../../../sidecar/src/media/font-choice.ts';
import { readFontFile } from '../../../sidecar/src/media/font-file.ts';
import { findFont, FontShelf, installedFonts } from '../../../sidecar/src/media/fonts.ts';
import { trackLanguage, trackTitle } from '../../../sidecar/src/media/track-languages.ts';
import { inFolder } from '../../support/engine.ts';

const wish = { bold: true, language: 'en', fields: { font: 'params.font', text: 'params.subtitles' } };
/** A machine with nothing but these. */
class Shelf extends FontShelf {
	readonly #names: string[];
	constructor(...names: string[]) {
		super();
		this.#names = names;
	}
	override named(name: string, weight: { bold: boolean }) {
		return this.#names.includes(name) ? super.named(name, weight) : Promise.resolve(null);
	}
	override having() {
		return Promise.resolve(null);
	}
}

describe('fonts', () => {
	it('are read: widths, heights, and which letters they have', async () => {
		const found = await findFont('DejaVu Sans', { bold: false });
		const font = await readFontFile(found?.path ?? '', found?.index ?? 0);
		// DejaVu Sans 2.37: 2048 units; the widths of i and M, winAscent and winDescent.
		expect([font?.advance(0x69), font?.advance(0x4d), font?.lineHeight, font?.ascent].map((value) => Math.round((value ?? 0) * 2048))).toEqual([569, 1767, 2384, 1901]);
		expect([font?.has(0x5d0), font?.has(0x4e16), font?.advance(0x4e16)]).toEqual([true, false, 0]);
	});

	it('that are damaged are none', async () => {
		await inFolder(async (folder) => {
			const path = join(folder, 'a.ttf');
			for (const bytes of [Buffer.alloc(0), Buffer.from('ttcf'), Buffer.from('00010000ffff', 'hex'), Buffer.alloc(200, 0xff)]) {
				await writeFile(path, bytes);
				expect(await readFontFile(path, 0)).toBeNull();
			}
			expect(await readFontFile(join(folder, 'missing.ttf'), 0)).toBeNull();
		});
	});

	it('are chosen by letter: the one that is asked for, and for what it lacks that of the script', async () => {
		const fonts = await chooseFonts('Tea お茶 שלום', { ...wish, language: 'ja' });
		expect(['T', '茶', 'お', 'ש'].map((letter) => fonts.of(letter)?.family)).toEqual(['Noto Sans', 'Noto Sans CJK JP', 'Noto Sans CJK JP', 'Noto Sans Hebrew']);
		expect((await chooseFonts('茶', { ...wish, language: 'zh' })).of('茶')?.family).toBe('Noto Sans CJK SC');
		expect((await chooseFonts('Tea', { ...wish, font: 'DejaVu Serif' })).main.family).toBe('DejaVu Serif');
	});

	it('say what to install where letters are in none, and leave out symbols', async () => {
		await expect(chooseFonts('茶', wish, new Shelf('DejaVu Sans'))).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('fonts-noto-cjk') as unknown, details: { field: 'params.subtitles', script: 'Han' } });
		expect(await chooseFonts('a🍵', wish, new Shelf('DejaVu Sans'))).toMatchObject({ leftOut: ['🍵'] });
		await expect(chooseFonts('a', { ...wish, font: 'No Such: Font' })).rejects.toMatchObject({ code: 'invalid_request', details: { field: 'params.font' } });
	});

	it('are chosen for the letters that are drawn, however those were written', async () => {
		// In pieces, as some systems write them; and signs that stand for others.
		for (const text of ['한국어'.normalize('NFD'), 'が'.normalize('NFD'), '\u0958', '\ufa19', '\ufb2e']) {
			const fonts = await chooseFonts(drawnText(text), wish);
			for (const letter of drawnText(text)) expect([letter, fonts.of(letter)]).toEqual([letter, expect.objectContaining({ family: expect.any(String) as unknown })]);
		}
	});

	it('are found by their names in any case of letters, which is not that of the file', async () => {
		expect((await chooseFonts('Tea', { ...wish, font: 'dejavu serif' })).main.family).toBe('DejaVu Serif');
	});

	it('are not looked for without end', async () => {
		let asked = 0;
		const shelf = new (class extends Shelf {
			override having() {
				asked += 1;
				return Promise.resolve(null);
			}
		})('DejaVu Sans');
		const icons = Array.from({ length: 3000 }, (_, index) => String.fromCodePoint(0xf0000 + index));
		expect((await chooseFonts(`a${icons.join('')}`, wish, shelf)).leftOut).toEqual(icons);
		expect(asked).toBeLessThanOrEqual(200);
	});

	it('are other ones when one comes or goes', async () => {
		await inFolder(async (folder) => {
			const config = join(folder, 'fonts.conf');
			await writeFile(config, `<?xml version="1.0"?><fontconfig><dir>${folder}</dir><cachedir>${folder}/cache</cachedir></fontconfig>`);
			const [all, again] = [await installedFonts(), await installedFonts()];
			process.env['FONTCONFIG_FILE'] = config;
			try {
				expect([all === again, all === (await installedFonts())]).toEqual([true, false]);
			} finally {
				delete process.env['FONTCONFIG_FILE'];
			}
		});
	});

	it('need fontconfig, which is named where it is missing', async () => {
		const path = process.env['PATH'];
		process.env['PATH'] = '/nowhere';
		try {
			await expect(chooseFonts('a', wish)).rejects.toMatchObject({ message: expect.stringContaining('apt-get install -y fontconfig') as unknown });
			expect(await checkFonts()).toEqual([expect.stringContaining('libass'), expect.stringContaining('fontconfig')]);
		} finally {
			process.env['PATH'] = path;
		}
	});

	it('that are missing are named at boot', async () => {
		expect(await checkFonts()).toEqual([]);
		expect((await checkFonts(new Shelf('DejaVu Sans'))).join(' ')).toMatch(/Han, Hiragana, Hangul.*fonts-noto-cjk.*Devanagari, Bengali, Tamil, Thai.*fonts-noto-core/);
	});
});

describe('languages of tracks', () => {
	it('are the codes of three letters that mean the same', () => {
		const pairs = ['ar', 'de', 'el', 'en', 'es', 'fa', 'fr', 'he', 'hi', 'ja', 'ko', 'nl', 'pt', 'ro', 'sq', 'tr', 'uk', 'zh', 'my', 'cy'];
		expect(pairs.map((code) => Intl.getCanonicalLocales(trackLanguage(code))[0])).toEqual(pairs);
		expect([trackLanguage('de'), trackLanguage(''), trackTitle('fr'), trackTitle('')]).toEqual(['deu', 'und', 'Français', 'Subtitles']);
	});
});
