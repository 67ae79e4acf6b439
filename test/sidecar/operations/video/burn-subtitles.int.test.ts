import { execFileSync } from 'node:child_process';
import { drawAss } from '../../../../sidecar/src/media/ass.ts';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import type { MediaFacts } from '../../../../sidecar/src/media/facts.ts';
import { chooseFonts } from '../../../../sidecar/src/media/font-choice.ts';
import { mergePlans } from '../../../../sidecar/src/media/merge.ts';
import type { MediaPlan } from '../../../../sidecar/src/media/plan.ts';
import { inSteps } from '../../../../sidecar/src/media/steps.ts';
import { addSubtitles } from '../../../../sidecar/src/operations/video/add-subtitles.ts';
import { burnSubtitles } from '../../../../sidecar/src/operations/video/burn-subtitles.ts';
import type { EarlierResults } from '../../../../sidecar/src/operations/operation.ts';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { prepareMedia, type MediaRun } from '../../../../sidecar/src/operations/run-media.ts';
import { plain } from '../../../fixtures/plain.ts';
import { inFolder, runOperationOn, silentLog } from '../../../support/engine.ts';
import { streamHash } from '../../../support/sound.ts';
import { boundsOf, cropped, frameAt, isDrawn, isWhite, isYellow, type Bounds, type Look } from '../../../support/text-picture.ts';

const cue = (text: string, from = '00:01.000', to = '00:03.000'): string => `WEBVTT\n\n${from} --> ${to}\n${text}\n`;

interface Burnt {
	path: string;
	output: Record<string, unknown>;
	at(seconds: number): Look;
}

const WIDE = { width: 640, height: 360 };
const UPRIGHT = { width: 360, height: 640 };

const burn = async <T>(video: Parameters<typeof plain>[0], params: Record<string, unknown>, look: (burnt: Burnt) => T | Promise<T>, earlier?: EarlierResults): Promise<T> =>
	runOperationOn(
		burnSubtitles,
		plain(video),
		{ crf: 8, ...params },
		async ({ files: [file], output }) => look({ path: file?.path ?? '', output, at: (seconds) => frameAt(file?.path ?? '', seconds, file?.width ?? 0, file?.height ?? 0) }),
		[],
		earlier,
	);
/** An asset in which this is said, from second 1 to 3. */
const transcribed = (text: string): EarlierResults => ({
	earlierOutput: (name) => Promise.resolve(name === 'transcribe' ? { language: 'en', segments: [{ start: 1, end: 3, text }], words: null } : null),
	readStored: () => Promise.reject(new Error('nothing is stored')),
});

/** What would be run. */
async function planned(facts: MediaFacts, given: Record<string, unknown>): Promise<MediaPlan> {
	const run: MediaRun = { source: { path: '', facts }, inputs: [], workDir: '', signal: new AbortController().signal, onProgress: () => {}, step: (_name, work) => work(), log: silentLog, runPlan, probe };
	return (await prepareMedia(burnSubtitles, burnSubtitles.params.parse(given), run)).plan;
}

const drawnIn = (look: Look, test = isDrawn): Bounds => {
	const bounds = boundsOf(look, test);
	if (!bounds) throw new Error('nothing was drawn');
	return bounds;
};
/** The text alone, for comparisons. */
const textOf = (look: Look): Look => cropped(look, drawnIn(look));

describe('burn_subtitles, for real', () => {
	it.each(['plain', 'boxed', 'karaoke', 'word'])('shows text in the style %s only while it is said', async (style) => {
		await burn('wide', { subtitles: cue('Green tea for all'), style }, ({ output, at }) => {
			expect(output).toMatchObject({ ...WIDE, style, language: '', subtitles_from: 'request', cues: 1, font: 'Noto Sans', notes: [] });
			expect(boundsOf(at(0.9), isDrawn)).toBeNull();
			expect(boundsOf(at(1.1), isWhite)).not.toBeNull();
			expect(boundsOf(at(2.5), isWhite)).not.toBeNull();
			expect(boundsOf(at(3.1), isDrawn)).toBeNull();
		});
	});

	it('lights up the words one after the other', async () => {
		await burn('wide', { subtitles: cue('Left left right right'), style: 'karaoke' }, ({ output, at }) => {
			const lit = [1.1, 1.7, 2.3, 2.9].map((seconds) => drawnIn(at(seconds), isYellow));
			const middles = lit.map(({ left, right }) => (left + right) / 2);
			expect(middles).toEqual([...middles].sort((a, b) => a - b));
			expect([lit[0]!.right < 320, lit[3]!.left > 320]).toEqual([true, true]);
			// The words do not move.
			expect(drawnIn(at(1.1))).toMatchObject({ left: drawnIn(at(2.9)).left, top: drawnIn(at(2.9)).top });
			expect(output['pages']).toBe(1);
		});
	});

	it('shows a few large words at a time, in the middle', async () => {
		await burn('upright', { subtitles: cue('one two three four five six'), style: 'word', max_words: 2 }, ({ output, at }) => {
			expect(output['pages']).toBe(3);
			const [first, last] = [drawnIn(at(1.4)), drawnIn(at(2.8))];
			const middle = (first.top + first.bottom) / 2;
			expect([middle > 300, middle < 340, first.bottom - first.top > 30]).toEqual([true, true, true]);
			expect(first.right - first.left).not.toBe(last.right - last.left);
		});
	});

	// TikTok: 160 px above and 440 px below, of 1280. Reels: 14 % and 35 %. Shorts: 25 % below. Stories: 14 % and 20 %. Here of 640.
	it.each([
		['tiktok', 80, 420, 50],
		['reels', 89, 416, 21],
		['shorts', 64, 480, 50],
		['stories', 89, 512, 21],
	])('keeps clear of what %s lays over the picture', async (platform, top, bottom, sides) => {
		const subtitles = cue('A line that is so long that it has to be wrapped twice or more on upright videos');
		for (const [style, position] of [['plain', 'bottom'], ['boxed', 'bottom'], ['karaoke', 'top']] as const) {
			await burn('upright', { subtitles, style, platform, position }, ({ at }) => {
				const bounds = drawnIn(at(1.3));
				expect([style, bounds.top >= top - 1, bounds.bottom <= bottom + 1, bounds.left >= sides - 1, bounds.right <= UPRIGHT.width - sides + 1]).toEqual([style, true, true, true, true]);
				expect(position === 'top' ? bounds.top < top + 25 : bounds.bottom > bottom - 25).toBe(true);
			});
		}
	});

	it('draws in the colours of a brand, also on BT.709', async () => {
		const colours = { text_colour: '#e8a01a', box_colour: '#1a73e8', box_opacity: 1 };
		await burn('wide', { subtitles: cue('████████'), style: 'boxed', ...colours }, ({ at }) => {
			const look = at(2);
			const { left, right, top, bottom } = drawnIn(look);
			const at3 = (x: number, y: number): number[] => [...look.pixels.subarray(3 * (y * look.width + x), 3 * (y * look.width + x) + 3)];
			const near = (found: number[], wanted: number[]): boolean => found.every((value, index) => Math.abs(value - (wanted[index] ?? 0)) <= 8);
			const middle = Math.round((top + bottom) / 2);
			expect([at3(Math.round((left + right) / 2), middle), near(at3(Math.round((left + right) / 2), middle), [0xe8, 0xa0, 0x1a])]).toEqual([expect.anything(), true]);
			expect([at3(left + 3, middle), near(at3(left + 3, middle), [0x1a, 0x73, 0xe8])]).toEqual([expect.anything(), true]);
		});
	});

	it('writes Hebrew and Arabic from right to left, with names in Latin letters in them', async () => {
		// The first word is the one that lights up first.
		for (const text of ['שלום Nike עולם חדש', 'مرحبا Nike بالعالم كله']) {
			await burn('wide', { subtitles: cue(text), style: 'karaoke' }, ({ at }) => {
				const [first, second, last] = [drawnIn(at(1.1), isYellow), drawnIn(at(1.7), isYellow), drawnIn(at(2.9), isYellow)];
				expect([first.left > second.right, second.left > last.right, first.left > 320, last.right < 320]).toEqual([true, true, true, true]);
			});
		}
	});

	it('joins the letters of Arabic', async () => {
		const width = (text: string): Promise<number> => burn('wide', { subtitles: cue(text) }, ({ at }) => { const { left, right } = drawnIn(at(2), isWhite); return right - left; });
		// A joiner that forbids it stands between the letters of the second one.
		expect(await width('بيبيبيبي')).toBeLessThan(0.8 * (await width([...'بيبيبيبي'].join('\u200c'))));
	});

	it('has letters for Japanese, Chinese, Korean, Hindi and Thai, and no boxes in their place', async () => {
		const pictures = await Promise.all(['緑', '茶', '한', '글', 'अ', 'क', 'ก', 'ส'].map((text) => burn('wide', { subtitles: cue(text), size: 'extra_large' }, ({ at, output }) => {
			expect(output['notes']).toEqual([]);
			return textOf(at(2));
		})));
		// Boxes would all look the same.
		const looks = new Set(pictures.map(({ width, height, pixels }) => `${width}x${height} ${pixels.toString('base64')}`));
		expect(looks.size).toBe(pictures.length);
		const box = await burn('wide', { subtitles: cue('▯'), size: 'extra_large' }, ({ at }) => textOf(at(2)));
		for (const { pixels } of pictures) expect(pixels.equals(box.pixels)).toBe(false);
	});

	it('shows text that looks like commands as text', async () => {
		const drawn = (text: string): Promise<Bounds> => burn('wide', {}, ({ at }) => drawnIn(at(2)), transcribed(text));
		const plainText = await drawn('Xan8Xposi0,0YHello');
		// Of about the same width, in the same place: nothing was taken for a command.
		for (const text of ['{\\an8}{\\pos(0,0)}Hello', 'Hi \\N \\n \\h {\\p1} m 0 0 l', '{\\fs200}{\\c&HFF&}Hello', '\\{\\an8} a \\']) {
			const hostile = await drawn(text);
			expect([text, hostile.top > 250, hostile.bottom - hostile.top < 60, hostile.right - hostile.left > (plainText.right - plainText.left) * 0.4]).toEqual([text, true, true, true]);
		}
	});

	it('leaves out pictures that no font here can draw, and says so', async () => {
		await burn('wide', { subtitles: cue('tea 👨‍👩‍👧 time') }, ({ at, output }) => {
			expect(boundsOf(at(2), isWhite)).not.toBeNull();
			expect(JSON.stringify(output['notes'])).toMatch(/left out/);
		});
	});

	it('draws at the size that is shown: turned, and of an odd number of pixels', async () => {
		await burn('turned', { subtitles: cue('Green tea') }, ({ output, at }) => {
			expect(output).toMatchObject(UPRIGHT);
			const bounds = drawnIn(at(2));
			expect([bounds.top > 320, bounds.right - bounds.left > bounds.bottom - bounds.top]).toEqual([true, true]);
		});
		await burn('odd', { subtitles: cue('Green tea') }, ({ output, at }) => {
			expect(output).toMatchObject(WIDE);
			expect(drawnIn(at(2)).top).toBeGreaterThan(250);
		});
	});

	it('copies the sound', async () => {
		await burn('wide', { subtitles: cue('Green tea') }, async ({ path }) => {
			expect(streamHash(path, 'a')).toBe(streamHash(plain('wide'), 'a'));
			expect((await probe(path)).video).toMatchObject({ codec: 'h264', pixelFormat: 'yuv420p', colorSpace: 'bt709' });
		});
	});

	it('takes the subtitles of the asset', async () => {
		await burn('wide', {}, ({ output }) => expect(output).toMatchObject({ subtitles_from: 'transcribe', language: 'en', cues: 1 }), transcribed('Green tea'));
	});

	it('says what to run first where there are no subtitles', async () => {
		await expect(burn('wide', {}, () => null)).rejects.toMatchObject({ code: 'input_not_found', message: expect.stringContaining('transcribe') as unknown });
	});

	it('names a font that is not installed, and what is missing', async () => {
		await expect(burn('wide', { subtitles: cue('tea'), font: 'No Such Font' }, () => null)).rejects.toMatchObject({ code: 'invalid_request', details: { field: 'params.font' } });
	});

	it('keeps to itself where several are drawn in one process', async () => {
		await inFolder(async (workDir) => {
			const path = plain('wide');
			const facts = await probe(path);
			const plans = await Promise.all((['top', 'bottom'] as const).map(async (position) => ({ inputs: [], plan: await planned(facts, { subtitles: cue('left'), position }) })));
			const tracks = addSubtitles.plan(facts, addSubtitles.params.parse({ format: 'mkv' }), { inputs: [], measured: [{ cues: [{ start: 1000, end: 3000, lines: ['track'] }], language: 'en', origin: 'request', notes: [] }] });
			const merged = mergePlans([...plans, { inputs: [], plan: tracks }]);
			const { files } = await runPlan({ inputPath: path, facts, plan: merged.plan, inputs: merged.inputs, workDir, signal: new AbortController().signal, onProgress: () => {}, log: silentLog });
			const [top, bottom] = files.slice(0, 2).map((file) => drawnIn(frameAt(file.path, 2, 640, 360)));
			expect([top!.bottom < 100, bottom!.top > 250]).toEqual([true, true]);
			expect(execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', files[2]?.path ?? '', '-map', '0:s', '-f', 'srt', '-'], { encoding: 'utf8' })).toContain('track');
		});
	});

	it('copies the video where nothing is said, unless it has to be made playable', async () => {
		const late = { subtitles: cue('late', '00:10.000', '00:11.000') };
		await burn('wide', late, ({ path, output }) => {
			expect(output).toMatchObject({ cues: 0, pages: 0, reason: expect.stringMatching(/no subtitles.*copied/) as unknown, notes: [expect.stringContaining('after the end of the video')] });
			expect([streamHash(path, 'v'), streamHash(path, 'a')]).toEqual([streamHash(plain('wide'), 'v'), streamHash(plain('wide'), 'a')]);
		});
		await burn('webm', late, async ({ path, output, at }) => {
			expect(output['reason']).toMatch(/no subtitles/);
			expect((await probe(path)).video?.codec).toBe('h264');
			expect(boundsOf(at(2), isDrawn)).toBeNull();
		});
	});

	it('draws letters however they are written: in pieces, or as signs that stand for others', async () => {
		for (const text of ['한국어'.normalize('NFD'), 'がぎぐ'.normalize('NFD'), '\u0958\u0959', '\ufa19\ufa1b', '\ufb2e\ufb2f']) {
			const drawn = (one: string): Promise<Look> => burn('wide', { subtitles: cue(one) }, ({ at, output }) => {
				expect(output['notes']).toEqual([]);
				return textOf(at(2));
			});
			const [own, composed] = [await drawn(text), await drawn(text.normalize('NFC'))];
			expect([text, own.width, own.pixels.equals(composed.pixels)]).toEqual([text, composed.width, true]);
		}
	});

	// Sentences of the same kind for each: vowels beside letters, above and below them, and letters that are joined.
	it.each([
		['Hindi', 'सभी के लिए हरी चाय बनाने का तरीका'],
		['Tamil', 'அனைவருக்கும் பச்சை தேநீர் கொடுக்கிறோம்'],
		['Bengali', 'সবার জন্য সবুজ চা বানানোর নিয়ম'],
		['Thai', 'ชาเขียวสำหรับทุกคนในสามขั้นตอน'],
		['Arabic', 'شاي أخضر للجميع في ثلاث خطوات'],
		['Japanese', '三つの手順でみんなの緑茶をいれる'],
		['English', 'Green tea for all in three easy steps'],
	])('keeps %s inside of its box', async (_language, text) => {
		await burn('wide', { subtitles: cue(text), style: 'boxed', box_colour: '#0000ff', box_opacity: 1, text_colour: '#ffffff' }, ({ at }) => {
			const look = at(2);
			const [box, letters] = [drawnIn(look), drawnIn(look, isWhite)];
			// Half a letter is left free at both sides: 8 pixels here. Nothing of it may be lost, and not much more be free.
			const free = [letters.left - box.left, box.right - letters.right];
			for (const side of free) expect([text, free, side >= 5, side <= 8 + 0.15 * (box.right - box.left)]).toEqual([text, free, true, true]);
		});
	});

	it('draws white as white on pictures of full range, and names as they are known', async () => {
		const brightest = await burn('fullRange', { subtitles: cue('████', '00:00.000', '00:02.000'), text_colour: '#ffffff', font: 'dejavu sans' }, ({ at, output }) => {
			expect(output['font']).toBe('DejaVu Sans');
			const look = at(1);
			const { left, right, top, bottom } = drawnIn(look, isWhite);
			const pixel = 3 * (Math.round((top + bottom) / 2) * look.width + Math.round((left + right) / 2));
			return [...look.pixels.subarray(pixel, pixel + 3)];
		});
		for (const part of brightest) expect(part).toBeGreaterThanOrEqual(250);
	});

	it('leaves the sidecar free for others while it draws thousands of subtitles', async () => {
		const cues = Array.from({ length: 3000 }, (_, index) => ({ start: index * 1000, end: index * 1000 + 900, lines: [`Green tea for all of them, ${index} cups`] }));
		const fonts = await chooseFonts(cues.flatMap(({ lines }) => lines).join('\n'), { font: undefined, bold: true, language: 'en', fields: { font: 'font', text: 'text' } });
		const colours = { text: '#ffffff', highlight: '#ffd60a', outline: '#000000', box: '#000000' };
		const look = { style: 'karaoke', platform: 'none', position: 'bottom', size: 'medium', bold: true, upperCase: false, maxWords: Infinity, colours, boxOpacity: 0.75 } as const;
		let turns = 0;
		let count = setImmediate(function others() {
			turns += 1;
			count = setImmediate(others);
		});
		const { pages } = await inSteps(drawAss(cues, 'en', look, fonts, { size: WIDE, matrix: 'bt601' }), new AbortController().signal);
		clearImmediate(count);
		expect(pages).toBe(3000);
		expect(turns).toBeGreaterThan(2);
	});

	it('tells every ffmpeg by which matrix to draw, and afterwards what the video is', async () => {
		const facts = await probe(plain('wide'));
		const filters = async (colorSpace: string | null): Promise<string[]> => (await planned({ ...facts, video: facts.video && { ...facts.video, colorSpace } }, { subtitles: cue('tea') })).outputs[0]?.videoFilters ?? [];
		expect((await filters('bt709')).slice(-3)).toEqual(['setparams=colorspace=smpte170m', 'ass=filename={file:subtitles.ass}', 'setparams=colorspace=bt709']);
		expect((await filters('bt470bg')).at(-1)).toBe('setparams=colorspace=bt470bg');
		expect((await filters(null)).at(-1)).toBe('setparams=colorspace=unknown');
	});
});
