import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { subtitleConvert } from '../../../../sidecar/src/operations/ai/subtitle-convert.ts';
import { subtitleEdit } from '../../../../sidecar/src/operations/ai/subtitle-edit.ts';
import { applyEdit, editSchema } from '../../../../sidecar/src/operations/ai/subtitle-edits.ts';
import type { TaskOperation } from '../../../../sidecar/src/operations/operation.ts';
import { testTask, type TestTask } from '../../../support/task-context.ts';

const SRT = '1\n00:00:01,000 --> 00:00:02,000\nHello their.\n\n2\n00:00:02,500 --> 00:00:04,000\nGreen tea for you\n\n3\n00:00:10,000 --> 00:00:12,000\nBye.\n';

describe('operations on subtitles', () => {
	let task: TestTask | undefined;
	afterEach(async () => {
		await task?.end();
		task = undefined;
	});
	/** Neither needs any media. */
	const run = async <P>(operation: TaskOperation<P>, given: Record<string, unknown>, earlier: Record<string, Record<string, unknown>> = {}) => {
		task = await testTask('/nowhere', { earlier });
		return operation.run(task.context, operation.params.parse(given));
	};
	const edit = async (...edits: Array<Record<string, unknown>>) => (await run(subtitleEdit, { subtitles: SRT, edits })).output;

	it('do their examples', async () => {
		const { output, files = [] } = await run(subtitleEdit, subtitleEdit.example);
		expect(output).toMatchObject({
			subtitles: '1\n00:00:01,500 --> 00:00:03,500\nHello there.\n',
			format: 'srt',
			cue_count: 1,
			duration: 3.5,
			origin: 'request',
			notes: [],
			edits: [
				{ kind: 'shift', changed: 1 },
				{ kind: 'replace', changed: 1 },
			],
		});
		expect(files.map(({ name, mime }) => [name, mime])).toEqual([
			['subtitles.srt', 'application/x-subrip'],
			['subtitles.vtt', 'text/vtt'],
		]);
		expect(await readFile(files[0]?.path ?? '', 'utf8')).toBe(output['subtitles']);
		expect((await run(subtitleConvert, subtitleConvert.example)).output).toMatchObject({ subtitles: 'WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nHello there.\n', format: 'vtt' });
	});

	it('convert into every format', async () => {
		const { files = [] } = await run(subtitleConvert, { subtitles: SRT, formats: ['srt', 'vtt', 'ass', 'txt', 'json'] });
		const texts = await Promise.all(files.map(({ path }) => readFile(path, 'utf8')));
		expect(files.map(({ name }) => name)).toEqual(['subtitles.srt', 'subtitles.vtt', 'subtitles.ass', 'subtitles.txt', 'subtitles.json']);
		expect(texts[0]).toBe(SRT);
		// Whatever the format, it is read again.
		for (const text of [texts[1], texts[2], texts[4]]) expect((await run(subtitleConvert, { subtitles: text, formats: ['srt'] })).output['subtitles']).toBe(SRT);
	});

	it('keep italics when told to, and strip all else', async () => {
		const subtitles = '1\n00:00:01,000 --> 00:00:02,000\n<i>so</i> <script>alert(1)</script>\n';
		expect((await run(subtitleConvert, { subtitles })).output['subtitles']).toContain('\nso alert(1)\n');
		expect((await run(subtitleConvert, { subtitles, keep_markup: true })).output['subtitles']).toContain('\n<i>so</i> alert(1)\n');
	});

	it('apply edits in order, to what the one before left', async () => {
		const output = await edit({ kind: 'delete', from_cue: 1 }, { kind: 'set_text', cue: 1, text: 'Black tea\r\nfor me' }, { kind: 'split', cue: 1, at_text: 'for me' }, { kind: 'merge', from_cue: 2, to_cue: 3 });
		expect(output).toMatchObject({ cue_count: 2, edits: [{ kind: 'delete' }, { kind: 'set_text' }, { kind: 'split' }, { kind: 'merge' }] });
		expect(output['subtitles']).toMatch(/^1\n00:00:02,500 --> 00:00:03,\d{3}\nBlack tea\n\n2\n00:00:03,\d{3} --> 00:00:12,000\nfor me\nBye\.\n$/);
	});

	it('change a frame rate', async () => {
		expect((await edit({ kind: 'scale', from_fps: 23.976, to_fps: 25 }))['subtitles']).toContain('3\n00:00:09,590 --> 00:00:11,508\nBye.');
	});

	it('shift a range, sort, and say what overlaps or is gone', async () => {
		expect(await edit({ kind: 'shift', ms: -8500, from_cue: 3 })).toMatchObject({ notes: [expect.stringMatching(/Shown while the one before still is: subtitle 2, 3\./)] });
		const output = await edit({ kind: 'shift', ms: -2500 });
		expect(output).toMatchObject({ cue_count: 2, notes: [expect.stringContaining('1 subtitle would end before the beginning')] });
		expect(output['subtitles']).toMatch(/^1\n00:00:00,000 --> 00:00:01,500\nGreen/);
	});

	it.each([
		[{ kind: 'merge', from_cue: 2, to_cue: 9 }, 'edits[1] (merge): there is no subtitle 9; they go from 1 to 3.'],
		[{ kind: 'merge', from_cue: 2, to_cue: 2 }, 'it takes two to merge'],
		[{ kind: 'delete', from_cue: 3, to_cue: 1 }, 'from_cue (3) is behind to_cue (1)'],
		[{ kind: 'split', cue: 3, at_seconds: 11 }, 'edits[1] (split): subtitle 3 has a single word.'],
		[{ kind: 'split', cue: 2 }, 'give either at_seconds or at_text'],
		[{ kind: 'set_text', cue: 4, text: 'x' }, 'there is no subtitle 4'],
		[{ kind: 'set_text', cue: 2, text: ' \n ' }, 'would be blank. Use delete'],
		[{ kind: 'replace', find: ' ', with: 'x' }, 'find is blank'],
	])('refuse %j by the number of the subtitle', async (wrong, message) => {
		await expect(edit({ kind: 'shift', ms: 0 }, wrong)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining(message) });
	});

	it('say when there is nothing to replace, and when nothing is left', async () => {
		expect(await edit({ kind: 'replace', find: 'coffee', with: 'tea' })).toMatchObject({ notes: ['edits[0] (replace): "coffee" does not occur.'] });
		expect(await edit({ kind: 'delete', from_cue: 1, to_cue: 3 }, { kind: 'shift', ms: 5 })).toMatchObject({ cue_count: 0, subtitles: '' });
		await expect(edit({ kind: 'delete', from_cue: 1, to_cue: 3 }, { kind: 'delete', from_cue: 1 })).rejects.toThrow('there is no subtitle 1; there are none left');
	});

	it('do not let edits blow up the text', async () => {
		const grow = { kind: 'replace', find: 'e', with: 'e'.repeat(500), whole_words: false };
		await expect(edit(grow, grow, grow, grow)).rejects.toMatchObject({ code: 'invalid_request' });
	});

	it('never make one subtitle of a whole film', async () => {
		const subtitles = Array.from({ length: 400 }, (_, index) => `00:${String(Math.floor(index / 60)).padStart(2, '0')}:${String(index % 60).padStart(2, '0')},000 --> 00:59:00,000\nThis is one of very many lines.\n`).join('\n');
		await expect(run(subtitleEdit, { subtitles, edits: [{ kind: 'merge', from_cue: 1, to_cue: 400 }] })).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('edits[0] (merge): one subtitle of 12400 characters') });
		expect((await run(subtitleEdit, { subtitles, edits: [{ kind: 'merge', from_cue: 1, to_cue: 300 }] })).output).toMatchObject({ cue_count: 101 });
	});

	it('let others have their turn while a large file is searched', async () => {
		const cues = Array.from({ length: 150 }, (_, index) => ({ start: index, end: index + 1, lines: ['a '.repeat(4000).trim()] }));
		let turns = 0;
		let tick = setImmediate(function count() {
			turns++;
			tick = setImmediate(count);
		});
		const edited = await applyEdit(cues, editSchema.parse({ kind: 'replace', find: `${'a '.repeat(20)}b`, with: 'c' }), 0, new AbortController().signal);
		clearImmediate(tick);
		expect(edited).toMatchObject({ changed: 0, notes: [expect.stringContaining('does not occur')] });
		expect(edited.cues).toEqual(cues);
		expect(turns).toBeGreaterThan(8);
	});

	it('replace text with hyphens', async () => {
		const subtitles = '1\n00:00:01,000 --> 00:00:02,000\nA well-known tea-pot.\n';
		expect((await run(subtitleEdit, { subtitles, edits: [{ kind: 'replace', find: 'well-known', with: 'famous' }] })).output['subtitles']).toContain('\nA famous tea-pot.\n');
	});

	it.each([{ edits: [] }, { edits: [{ kind: 'explode' }] }, { edits: [{ kind: 'shift', ms: 0.5 }] }, { edits: [{ kind: 'scale', from_fps: 0, to_fps: 25 }] }, { edits: [{ kind: 'shift', ms: 1 }], formats: ['doc'] }])(
		'refuse the parameters %j',
		(given) => {
			expect(subtitleEdit.params.safeParse({ subtitles: SRT, ...given }).success).toBe(false);
		},
	);

	describe('of an asset', () => {
		const file = (name: string) => ({ name, mime: 'x', storage_key: `key/${name}` });
		const of = async (stored: Record<string, string>, earlier: Record<string, Record<string, unknown>>, given: Record<string, unknown> = {}) => {
			task = await testTask('/nowhere', { earlier });
			const read: string[] = [];
			const readStored = async (key: string) => {
				read.push(key);
				return Readable.from([Buffer.from(stored[key.slice(4)] ?? 'missing')]);
			};
			const { output } = await subtitleConvert.run({ ...task.context, readStored }, subtitleConvert.params.parse({ formats: ['json'], ...given }));
			return { ...(JSON.parse(String(output['subtitles'])) as object), origin: output['origin'], read };
		};
		const cues = [{ start: 0, end: 1000, lines: ['Hi'], words: [{ text: 'Hi', start: 0, end: 500 }] }];
		const transcribe = { language: 'en', files: [file('transcript.json'), file('transcript.srt')] };

		it('are those of its transcript, with the times of words', async () => {
			const found = await of({ 'transcript.json': JSON.stringify({ text: 'Hi', cues }) }, { transcribe });
			expect(found).toEqual({ language: 'en', cues, origin: 'transcribe', read: ['key/transcript.json'] });
		});

		it('are those of its translation into the language wanted', async () => {
			const translate = { translations: [{ language: 'de', cue_count: 1 }, { language: 'fr', cue_count: 1 }], files: [file('subtitles.de.json'), file('subtitles.fr.srt'), file('subtitles.fr.json')] };
			const found = await of({ 'subtitles.fr.json': JSON.stringify({ cues: [{ start: 0, end: 1000, lines: ['Salut'] }] }) }, { transcribe, translate }, { language: 'fr' });
			expect(found).toMatchObject({ language: 'fr', cues: [{ lines: ['Salut'] }], origin: 'translate', read: ['key/subtitles.fr.json'] });
		});

		it('are never those of another language, or of post texts', async () => {
			const translate = { translations: [{ language: 'de', captions: [] }], languages: ['de'], files: [] };
			await expect(of({}, { transcribe, translate }, { language: 'de' })).rejects.toMatchObject({ code: 'input_not_found', message: expect.stringMatching(/what is spoken is en\. Run translate into de/) });
		});

		it('are cut from the segments of an external processor, whose files are not ours', async () => {
			const foreign = { language: 'en', segments: [{ start: 0, end: 2, text: 'From elsewhere.' }], files: [{ name: 'transcript.json', url: 'https://example.com' }] };
			expect(await of({}, { transcribe: foreign })).toMatchObject({ cues: [{ start: 0, end: 2000, lines: ['From elsewhere.'] }], read: [] });
		});

		it('run from right to left in players also where a line begins with a Latin name, and stay plain as data', async () => {
			const hebrew = [{ start: 0, end: 1000, lines: ['Dana אמרה שלום', 'שלום Dana'] }];
			const files = async (given: Record<string, unknown>) => {
				task = await testTask('/nowhere', { earlier: { transcribe: { ...transcribe, language: 'he' } } });
				const readStored = async () => Readable.from([Buffer.from(JSON.stringify({ cues: hebrew }))]);
				const made = await subtitleConvert.run({ ...task.context, readStored }, subtitleConvert.params.parse(given));
				return Promise.all((made.files ?? []).map(({ path }) => readFile(path, 'utf8')));
			};
			const [srt, vtt, txt, json] = await files({ formats: ['srt', 'vtt', 'txt', 'json'] });
			for (const text of [srt, vtt]) expect(text).toContain('\n\u200FDana אמרה שלום\nשלום Dana\n');
			for (const text of [txt, json]) expect(text).not.toContain('\u200F');
			const [own] = await files({ language: 'he', formats: ['srt'], subtitles: '00:01 --> 00:02\nDana אמרה שלום' });
			expect(own).toContain('\nDana');
		});

		it('are those of a transcript of more than a day', async () => {
			const many = Array.from({ length: 20_001 }, (_, index) => ({ start: index * 4000, end: index * 4000 + 3000, lines: ['x'] }));
			expect(await of({ 'transcript.json': JSON.stringify({ cues: many }) }, { transcribe }, { formats: ['txt'] }).catch((error: unknown) => error)).not.toMatchObject({ code: 'invalid_request' });
		});

		it('are put in order, with speakers, where an external processor is careless', async () => {
			const foreign = { language: 'en', segments: [{ start: 3, end: 5, text: 'Then this.', speaker: 'B' }, { start: -0.02, end: 2, text: 'First that.', speaker: null }] };
			expect(await of({}, { transcribe: foreign })).toMatchObject({ cues: [{ start: 0, lines: ['First that.'] }, { start: 3000, lines: ['Then this.'], speaker: 'B' }] });
		});

		it('are read from SRT where an older transcript has nothing else', async () => {
			const found = await of({ 'transcript.json': '{"text":"Hello"}', 'transcript.srt': SRT }, { transcribe });
			expect(found).toMatchObject({ cues: [{ lines: ['Hello their.'] }, {}, {}], read: ['key/transcript.json', 'key/transcript.srt'] });
		});

		it('are missing where the transcript holds none, which is said without naming a language that nobody gave', async () => {
			await expect(of({}, { transcribe: { language: 'en', transcription: 'Hi' } })).rejects.toMatchObject({ code: 'input_not_found', message: expect.stringMatching(/^The result of transcribe on this asset holds nothing/), details: { run_first: 'transcribe' } });
		});

		it('are missing until something was transcribed', async () => {
			await expect(of({}, {})).rejects.toMatchObject({ code: 'input_not_found', details: { run_first: 'transcribe' } });
		});
	});
});
