import { readFile } from 'node:fs/promises';
import { createLocalTranslator } from '../../../../sidecar/src/ai/local/translator.ts';
import { createOpenAiClient } from '../../../../sidecar/src/ai/openai/client.ts';
import { createOpenAiTranslator } from '../../../../sidecar/src/ai/openai/translator.ts';
import { isRightToLeft, isWide, languageName } from '../../../../sidecar/src/ai/languages.ts';
import { parseSubtitles } from '../../../../sidecar/src/ai/subtitles/parse.ts';
import type { Translator } from '../../../../sidecar/src/ai/translator.ts';
import { widthOf } from '../../../../sidecar/src/operations/ai/lay-text.ts';
import { PLATFORM_TEXTS } from '../../../../sidecar/src/operations/ai/platform-texts.ts';
import { createTranslate } from '../../../../sidecar/src/operations/ai/translate.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { fixture } from '../../../fixtures/media.ts';
import { startOpenAi, type ChatRequest, type OpenAiEmulator } from '../../../platforms/openai.ts';
import { testTask, type TestTask } from '../../../support/task-context.ts';

const SRT = `1
00:00:00,000 --> 00:00:02,500
When the water has boiled,

2
00:00:02,500 --> 00:00:05,000
let it cool for a few minutes
before you pour it

3
00:00:05,000 --> 00:00:08,000
over the leaves.

4
00:00:09,000 --> 00:00:12,000
Enjoy n8n tea with your friends! 🍵👨‍👩‍👧
`;
const SENTENCE = 'When the water has boiled, let it cool for a few minutes before you pour it over the leaves.';
const WISH = 'Enjoy n8n tea with your friends! 🍵👨‍👩‍👧';

/** What people would write. */
const TRANSLATIONS: Record<string, [string, string]> = {
	de: ['Wenn das Wasser gekocht hat, lassen Sie es einige Minuten abkühlen, bevor Sie es über die Blätter gießen.', 'Genießen Sie n8n-Tee mit Ihren Freunden! 🍵👨‍👩‍👧'],
	fr: ["Quand l'eau a bouilli, laissez-la refroidir quelques minutes avant de la verser sur les feuilles.", 'Savourez le thé n8n avec vos amis ! 🍵👨‍👩‍👧'],
	es: ['Cuando el agua haya hervido, déjela enfriar unos minutos antes de verterla sobre las hojas.', '¡Disfrute del té n8n con sus amigos! 🍵👨‍👩‍👧'],
	it: ["Quando l'acqua ha bollito, lasciatela raffreddare qualche minuto prima di versarla sulle foglie.", 'Gustate il tè n8n con gli amici! 🍵👨‍👩‍👧'],
	pt: ['Quando a água ferver, deixe-a arrefecer alguns minutos antes de a verter sobre as folhas.', 'Desfrute do chá n8n com os amigos! 🍵👨‍👩‍👧'],
	nl: ['Laat het water na het koken enkele minuten afkoelen voordat je het over de blaadjes giet.', 'Geniet met je vrienden van n8n-thee! 🍵👨‍👩‍👧'],
	pl: ['Gdy woda się zagotuje, odstaw ją na kilka minut, zanim zalejesz nią liście.', 'Ciesz się herbatą n8n z przyjaciółmi! 🍵👨‍👩‍👧'],
	ru: ['Когда вода закипит, дайте ей остыть несколько минут, прежде чем залить листья.', 'Наслаждайтесь чаем n8n с друзьями! 🍵👨‍👩‍👧'],
	uk: ['Коли вода закипить, дайте їй охолонути кілька хвилин, перш ніж залити листя.', 'Насолоджуйтеся чаєм n8n з друзями! 🍵👨‍👩‍👧'],
	tr: ['Su kaynadıktan sonra yaprakların üzerine dökmeden önce birkaç dakika soğumasını bekleyin.', 'n8n çayının tadını arkadaşlarınızla çıkarın! 🍵👨‍👩‍👧'],
	ar: ['بعد أن يغلي الماء، اتركه يبرد بضع دقائق قبل أن تصبه على الأوراق.', 'n8n شاي، استمتع به مع أصدقائك! 🍵👨‍👩‍👧'],
	he: ['אחרי שהמים רתחו, הניחו להם להתקרר כמה דקות לפני שתמזגו אותם על העלים.', 'n8n תה, תיהנו ממנו עם חברים! 🍵👨‍👩‍👧'],
	fa: ['وقتی آب جوشید، پیش از ریختن روی برگ‌ها چند دقیقه بگذارید خنک شود.', 'از چای n8n با دوستان‌تان لذت ببرید! 🍵👨‍👩‍👧'],
	hi: ['जब पानी उबल जाए, तो पत्तियों पर डालने से पहले उसे कुछ मिनट ठंडा होने दें।', 'अपने दोस्तों के साथ n8n चाय का आनंद लें! 🍵👨‍👩‍👧'],
	th: ['เมื่อน้ำเดือดแล้ว ปล่อยให้เย็นลงสักสองสามนาทีก่อนที่จะเทลงบนใบชา', 'ขอให้สนุกกับชา n8n กับเพื่อนๆ! 🍵👨‍👩‍👧'],
	ja: ['お湯が沸いたら、茶葉に注ぐ前に数分間冷ましてください。', 'お友達とn8nのお茶をお楽しみください！🍵👨‍👩‍👧'],
	zh: ['水烧开后，先让它凉几分钟，再倒在茶叶上。', '和朋友们一起享受n8n茶吧！🍵👨‍👩‍👧'],
	ko: ['물이 끓으면 찻잎에 붓기 전에 몇 분 동안 식히세요.', '친구들과 함께 n8n 차를 즐기세요! 🍵👨‍👩‍👧'],
};
const LANGUAGES = Object.keys(TRANSLATIONS);

interface Answered {
	language: string;
	direction: string;
	text: string;
	cue_count: number;
	warnings: Array<{ cue: number; kind: string }>;
	captions: Array<{ platform: string; text: string; hashtags: string[] }>;
	alt_text: string;
	title: string;
	tags: string[];
}

/** Numbered texts of a request, as a model would read them. */
const itemsOf = ({ messages }: ChatRequest): Array<{ n: number; text: string; max_characters?: number }> =>
	JSON.parse([...(messages[1]?.content as Array<{ text: string }>)[0]!.text.matchAll(/^<([0-9a-f]{16})>\n(.*)\n<\/\1>$/gm)].at(-1)?.[2] ?? '[]') as Array<{ n: number; text: string }>;

describe('translate', () => {
	let server: OpenAiEmulator;
	let task: TestTask | undefined;
	beforeEach(async () => {
		server = await startOpenAi();
		server.answer = (request) => {
			const target = /into ([^.]+)\./.exec(String(request.messages[0]?.content))?.[1];
			const language = LANGUAGES.find((code) => languageName(code) === target) ?? '';
			const known = new Map([[SENTENCE, TRANSLATIONS[language]?.[0]], [WISH, TRANSLATIONS[language]?.[1]]]);
			return { items: itemsOf(request).map(({ n, text }) => ({ n, text: known.get(text) ?? `(${language}) ${text}` })) };
		};
	});
	afterEach(async () => {
		await server.close();
		await task?.end();
		task = undefined;
	});
	const hosted = (pauses: number[] = []) => createOpenAiTranslator({ client: createOpenAiClient({ apiKey: 'test-key', baseUrl: server.url }), model: 'gpt-4o-mini', sleep: (ms) => Promise.resolve(pauses.push(ms)) });
	async function translate(given: Record<string, unknown>, { earlier = {}, translator = hosted(), glossary = [] }: { earlier?: Record<string, Record<string, unknown>>; translator?: Translator; glossary?: Array<{ from: string; to: string }> } = {}) {
		task = await testTask(fixture('speech'), { earlier });
		const operation = createTranslate({ translator, glossary: () => Promise.resolve(glossary) });
		const { output, files = [], cost } = await operation.run(task.context, operation.params.parse(given));
		return { output, translations: output['translations'] as Answered[], files, cost, read: (name: string) => readFile(files.find((file) => file.name === name)?.path ?? '', 'utf8') };
	}

	it.each(LANGUAGES)('into %s: whole sentences, in the same times, within the lines', async (language) => {
		const { translations, files, read, output } = await translate({ to: [language], from: 'en', subtitles: SRT });
		expect(files.map(({ name }) => name)).toEqual([`subtitles.${language}.srt`, `subtitles.${language}.vtt`, `subtitles.${language}.json`]);
		const { cues } = parseSubtitles(await read(`subtitles.${language}.srt`));
		expect(cues.map(({ start, end }) => [start, end])).toEqual([[0, 2500], [2500, 5000], [5000, 8000], [9000, 12_000]]);
		const glue = ['ja', 'zh', 'th'].includes(language) ? '' : ' ';
		const plain = (text: string): string => (glue === '' ? text.replaceAll(' ', '') : text).replaceAll('\u200f', '');
		const [sentence, wish] = TRANSLATIONS[language] ?? ['', ''];
		// Every word is there, whole and in order; nothing else is.
		expect(plain(cues.slice(0, 3).flatMap(({ lines }) => lines).join(glue))).toBe(plain(sentence));
		expect(plain(cues[3]?.lines.join(glue) ?? '')).toBe(plain(wish));
		const most = isWide(language) ? 16 : 42;
		for (const { lines } of cues) {
			expect(lines.length).toBeLessThanOrEqual(2);
			expect(lines.filter((line) => widthOf(line, language) > most)).toEqual([]);
		}
		expect(translations[0]).toMatchObject({ language, direction: isRightToLeft(language) ? 'rtl' : 'ltr', cue_count: 4, text: cues.flatMap(({ lines }) => lines).join('\n') });
		expect(output).toMatchObject({ source_language: 'en', languages: [language], provider: 'openai', model: 'gpt-4o-mini' });
		expect(parseSubtitles(await read(`subtitles.${language}.vtt`)).cues).toEqual(cues);
		expect(JSON.parse(await read(`subtitles.${language}.json`))).toMatchObject({ language, cues: cues.map(({ start, end, lines }) => ({ start, end, lines })) });
	});

	it('sees sentences, not subtitles, and says how long they may become', async () => {
		await translate({ to: ['de'], from: 'en', subtitles: SRT, tone: 'informal' });
		expect(itemsOf(server.chats[0] as ChatRequest)).toEqual([
			{ n: 1, text: SENTENCE, max_characters: 160 },
			{ n: 2, text: WISH, max_characters: 60 },
		]);
		expect(String(server.chats[0]?.messages[0]?.content)).toContain('Tone: informal.');
	});

	it('into several languages at once, and marks Hebrew that begins with a Latin name', async () => {
		const { translations, files, cost } = await translate({ to: ['he', 'ja', 'he'], from: 'en', subtitles: SRT });
		expect(translations.map(({ language }) => language)).toEqual(['he', 'ja']);
		expect(files).toHaveLength(6);
		expect(translations[0]?.text).toContain('\u200fn8n תה');
		expect(translations[1]?.text).toContain('👨‍👩‍👧');
		expect(cost).toMatchObject({ ai_tokens: 300 });
	});

	it("uses the transcript's language and the workspace's glossary", async () => {
		const earlier = { transcribe: { language: 'en', transcription: SENTENCE, segments: [{ start: 0, end: 6, text: SENTENCE }], words: null } };
		const { output } = await translate({ to: ['de'], glossary: [{ from: 'Leaves', to: 'Blättchen' }] }, { earlier, glossary: [{ from: 'leaves', to: 'Laub' }, { from: 'water', to: 'Wasser' }] });
		expect(output).toMatchObject({ source_language: 'en', translations: [{ cue_count: expect.any(Number) as number }] });
		const sent = (server.chats[0]?.messages[1]?.content as Array<{ text: string }>)[0]?.text ?? '';
		expect(sent).toContain('[{"from":"Leaves","to":"Blättchen"},{"from":"water","to":"Wasser"}]');
	});

	it('asks once more for what is too long, then cuts it within its time and says so', async () => {
		const long = `${'Das ist ein sehr langer Satz ohne Ende und Sinn, '.repeat(8)}oder?`;
		server.answer = (request) => ({ items: itemsOf(request).map(({ n }) => ({ n, text: long })) });
		const { translations, read } = await translate({ to: ['de'], from: 'en', subtitles: '1\n00:00:00,000 --> 00:00:04,000\nThis is shorter than what is going to become of it.\n' });
		expect(server.counts.chats).toBe(2);
		const { cues } = parseSubtitles(await read('subtitles.de.srt'));
		expect(cues.length).toBeGreaterThan(4);
		expect([cues[0]?.start, cues.at(-1)?.end]).toEqual([0, 4000]);
		expect(cues.flatMap(({ lines }) => lines).filter((line) => line.length > 42)).toEqual([]);
		expect(cues.flatMap(({ lines }) => lines).join(' ')).toBe(long);
		expect(new Set(translations[0]?.warnings.map(({ kind }) => kind))).toEqual(new Set(['cut_in_two', 'too_fast']));
	});

	it('keeps what there is when the provider fails while it is asked for something shorter', async () => {
		const long = `${'Das ist ein sehr langer Satz ohne Ende und Sinn, '.repeat(8)}oder?`;
		server.answer = (request) => ({ items: itemsOf(request).map(({ n }) => ({ n, text: long })) });
		const earlier = { caption: { captions: [{ platform: 'x', variant: 1, text: 'A post that is going to be much longer than this.', hashtags: [] }], language: 'en' } };
		for (const given of [{ subtitles: '1\n00:00:00,000 --> 00:00:04,000\nThis is shorter than what is going to become of it.\n' }, { what: 'captions' }]) {
			const made = hosted();
			let calls = 0;
			const translator: Translator = { ...made, translate: (request) => (++calls > 1 ? Promise.reject(new PipelineError('provider_key_refused', 'revoked')) : made.translate(request)) };
			const { translations } = await translate({ to: ['de'], from: 'en', ...given }, { translator, earlier });
			expect(translations[0]?.text ?? translations[0]?.captions[0]?.text).toMatch(/^Das ist ein sehr langer Satz/);
			expect(calls).toBe(2);
		}
	});

	it('posts: links, mentions and hashtags stay, and each fits its platform', async () => {
		const filler = 'Green tea is good for you and for everybody else around you. '.repeat(4);
		const earlier = {
			caption: {
				captions: [
					{ platform: 'x', variant: 1, text: `Ask @ada about tea: https://example.com/tea 🍵 #GreenTea`, hashtags: ['GreenTea'] },
					{ platform: 'x', variant: 2, text: `${filler}https://example.com/long #tea`, hashtags: ['tea'] },
				],
				title: 'Green tea', description: 'About tea.\n\nSee https://example.com', tags: ['tea', 'green'], alt_text: 'A cup.', language: 'en',
			},
		};
		server.answer = (request) => ({ items: itemsOf(request).map(({ n, text }) => ({ n, text: `Übersetzt und dabei länger geworden: ${text}` })) });
		const { translations, files } = await translate({ to: ['de'], what: 'captions' }, { earlier });
		expect(files).toEqual([]);
		const [made] = translations;
		expect(made?.captions[0]).toEqual({ platform: 'x', variant: 1, text: 'Übersetzt und dabei länger geworden: Ask @ada about tea: https://example.com/tea 🍵 #GreenTea', hashtags: ['GreenTea'], length: PLATFORM_TEXTS.x.measure(made?.captions[0]?.text ?? ''), limit: 280, alt_text: made?.alt_text });
		expect(made?.captions[1]?.text).toMatch(/…\n\nhttps:\/\/example\.com\/long #tea$/);
		expect(made?.captions.filter(({ text }) => PLATFORM_TEXTS.x.measure(text) > 280)).toEqual([]);
		expect(made).toMatchObject({ title: 'Übersetzt und dabei länger geworden: Green tea', tags: [expect.any(String), expect.any(String)], description: expect.stringMatching(/About tea\.\n\nSee https:\/\/example\.com$/) as string });
	});

	it('does not throw away the other languages, paid as they are, because one is refused', async () => {
		const pauses: number[] = [];
		const { answer } = server;
		server.answer = (request) => {
			if (server.counts.chats === 1) server.failures.push({ status: 429, headers: { 'retry-after': '7' } });
			return answer(request);
		};
		const { translations } = await translate({ to: ['de', 'fr', 'es'], from: 'en', subtitles: SRT }, { translator: hosted(pauses) });
		expect(translations.map(({ language }) => language)).toEqual(['de', 'fr', 'es']);
		expect([server.counts.chats, pauses]).toEqual([4, [7000]]);
	});

	it('takes no answer that has fewer texts than were asked for', async () => {
		const made = hosted();
		const translator: Translator = { ...made, translate: async (request) => ({ ...(await made.translate(request)), texts: ['Einer.'] }) };
		await expect(translate({ to: ['de'], from: 'en', subtitles: SRT }, { translator })).rejects.toMatchObject({ code: 'provider_answer_invalid', message: expect.stringContaining('1 texts for 2') as string });
	});

	it('posts of another language than is spoken: each from its own', async () => {
		const earlier = {
			transcribe: { language: 'de', segments: [{ start: 0, end: 3, text: 'Guten Morgen zusammen.' }], words: null },
			caption: { captions: [{ platform: 'x', variant: 1, text: 'Good morning', hashtags: [] }], language: 'en' },
		};
		const { translations, output } = await translate({ to: ['de', 'fr'], what: 'both' }, { earlier });
		expect(translations.map(({ text, captions }) => [text, captions[0]?.text])).toEqual([
			['Guten Morgen zusammen.', '(de) Good morning'],
			['(fr) Guten Morgen zusammen.', '(fr) Good morning'],
		]);
		expect(server.chats.map(({ messages }) => /from (\w+) into (\w+)/.exec(String(messages[0]?.content))?.slice(1))).toEqual([['English', 'German'], ['German', 'French'], ['English', 'French']]);
		expect(output).toMatchObject({ source_language: 'de', notes: ['Some of it is German already: it stays as it is.'] });
	});

	it('posts whose language somebody else wrote down in his own way', async () => {
		const caption = { captions: [{ platform: 'x', variant: 1, text: 'Good morning', hashtags: [] }] };
		for (const language of ['English (UK)', 'en-GB', '']) await translate({ to: ['fr'], what: 'captions' }, { earlier: { caption: { ...caption, language } } });
		expect(server.chats.map(({ messages }) => /from (\w+) into/.exec(String(messages[0]?.content))?.[1])).toEqual([undefined, 'English', undefined]);
	});

	it('nothing where nobody speaks, whoever could do it', async () => {
		const earlier = { transcribe: { language: '', segments: [], words: null } };
		const { translations, output } = await translate({ to: ['es', 'ja'] }, { earlier, translator: createLocalTranslator() });
		expect(translations.map(({ cue_count: count, text }) => [count, text])).toEqual([[0, ''], [0, '']]);
		expect(output).toMatchObject({ source_language: '', notes: [] });
	});

	it('leaves a sentence as it was when what comes back is no translation of it, and says so', async () => {
		server.answer = (request) => ({ items: itemsOf(request).map(({ n, text }) => ({ n, text: text.startsWith('When') ? 'I am a poem without end. '.repeat(200) : '\u200b\u2060' })) });
		const { translations } = await translate({ to: ['de'], from: 'en', subtitles: SRT });
		expect(translations[0]?.text.replaceAll('\n', ' ')).toBe(`${SENTENCE} ${WISH}`);
		expect(translations[0]?.warnings).toEqual([1, 2, 3, 4].map((cue) => ({ cue, kind: 'untranslated', message: expect.any(String) as string })));
		// Asked once more, and no further.
		expect(server.counts.chats).toBe(2);
	});

	it('posts within every limit, without links and mentions that nobody gave', async () => {
		const earlier = {
			caption: {
				captions: [{ platform: 'youtube', variant: 1, text: 'About tea.', hashtags: [] }, { platform: 'x', variant: 1, text: 'Tea, says @ada', hashtags: [] }],
				title: 'Green tea', description: 'About tea.', tags: ['tea', 'green tea', 'more'], alt_text: 'A cup.', language: 'en',
			},
		};
		server.answer = (request) => ({
			items: itemsOf(request).map(({ n, text }) => ({
				n,
				text: { 'Green tea': 'Grüner Tee '.repeat(20), 'A cup.': 'Eine Tasse. '.repeat(90), tea: 'Tee, <grün>', more: 'TEE GRÜN' }[text] ?? `${text} <b>Mehr</b> bei @evil auf https://evil.example/x !`,
			})),
		});
		const [made] = (await translate({ to: ['de'], what: 'captions' }, { earlier })).translations;
		expect(JSON.stringify(made)).not.toMatch(/@evil|evil\.example/);
		expect(made?.captions[0]?.text).toMatch(/^About tea\. bMehr\/b bei evil auf/);
		expect(made?.captions[1]?.text).toMatch(/@ada/);
		expect(made?.captions[0]).toMatchObject({ length: expect.any(Number), limit: 5000, title: made?.title, tags: ['Tee grün', expect.stringContaining('green tea')] });
		expect(made?.captions[1]).not.toHaveProperty('title');
		expect(made?.title.length).toBeLessThanOrEqual(100);
		expect(made?.tags).toHaveLength(2);
		expect(made?.alt_text.length).toBeLessThanOrEqual(500);
	});

	it('by the local engine, with a word of warning', async () => {
		const { output, translations } = await translate({ to: ['es'], from: 'en', subtitles: SRT }, { translator: createLocalTranslator() });
		expect(translations[0]?.text).toMatch(/agua/);
		expect(output).toMatchObject({ provider: 'local', notes: [expect.stringContaining('Draft quality')] });
	});

	it('leaves what is in the language already as it is', async () => {
		const { translations, output } = await translate({ to: ['en'], from: 'en', subtitles: SRT });
		expect(translations[0]?.text.replaceAll('\n', ' ')).toBe(`${SENTENCE} ${WISH}`);
		expect(output['notes']).toEqual(['This is English already: it stays as it is.']);
		expect(server.counts.chats).toBe(0);
	});

	it('says what is missing', async () => {
		await expect(translate({ to: ['de'] })).rejects.toMatchObject({ code: 'input_not_found', details: { run_first: 'transcribe' } });
		await expect(translate({ to: ['de'], what: 'captions' })).rejects.toMatchObject({ code: 'input_not_found', details: { run_first: 'caption' } });
		await expect(translate({ to: ['de'], subtitles: SRT, from: 'en' }, { translator: createLocalTranslator() })).rejects.toMatchObject({ code: 'provider_not_configured', details: { language: 'de' } });
		for (const given of [{ to: [] }, { to: ['xx'] }, { to: 'de' }, { to: ['de'], max_lines: 0 }, { to: ['de'], hello: 1 }])
			expect(createTranslate({ translator: hosted(), glossary: () => Promise.resolve([]) }).params.safeParse(given).success).toBe(false);
	});
});
