import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalTranslator } from '../../../../sidecar/src/ai/local/translator.ts';

const never = new AbortController().signal;

describe('the local translator', () => {
	const translate = (texts: string[], more: Partial<Parameters<ReturnType<typeof createLocalTranslator>['translate']>[0]> = {}) =>
		createLocalTranslator().translate({ texts, from: 'en', to: 'es', signal: never, ...more });

	it('gives the gist of each text, in order, without its own marks', async () => {
		const made = await translate(['The house is big.', 'I like Kubernetes.', '♪', '', 'First line.\n\nSecond line.']);
		expect(made.texts[0]).toMatch(/^La casa es grande/);
		expect(made.texts[1]).toMatch(/^Me gusta Kubernetes\.?$/);
		expect(made.texts.slice(2, 4)).toEqual(['♪', '']);
		expect(made.texts[4]).toMatch(/^Primera? .*\n\nSegund.*/);
		expect(made).toMatchObject({ provider: 'local', model: 'Apertium eng-spa', notes: [expect.stringMatching(/Draft quality.*OPENAI_API_KEY/)], usage: { ai_characters: expect.any(Number) as number } });
	});

	it('takes text as text, whatever stands in it', async () => {
		const texts = ['[laughs] ^x$ \\ {a} <b>', '-d /etc/passwd', 'The end.\t', '@you see ⟦1⟧ #tea'];
		const made = await translate(texts);
		expect(made.texts).toHaveLength(4);
		expect(made.texts[3]).toContain('⟦1⟧');
		expect(made.texts[1]).toMatch(/^-d/);
	});

	it('keeps words of the glossary', async () => {
		const { texts } = await translate(['The green tea house is open.'], { glossary: [{ from: 'green tea', to: 'TÉ VERDE' }, { from: 'tea', to: 'wrong' }] });
		expect(texts[0]).toContain('TÉ VERDE');
		expect(texts[0]).not.toContain('wrong');
	});

	it('keeps words of the glossary that are numbers, and marks of whoever asks', async () => {
		const { texts } = await translate(['The green tea costs 2 and 1.', 'See ⟦2⟧ and the tea'], { glossary: [{ from: 'green tea', to: 'TÉ VERDE' }, { from: '1', to: 'UNO' }, { from: '2', to: 'DOS' }] });
		expect(texts[0]).toMatch(/TÉ VERDE.*DOS.*UNO/);
		expect(texts[1]).toContain('⟦2⟧');
		expect(texts.join('')).not.toMatch(/[⟪⟫]/);
	});

	describe('with an Apertium that loses paragraphs', () => {
		let folder: string;
		beforeEach(async () => {
			folder = await mkdtemp(join(tmpdir(), 'lossy-'));
			await writeFile(join(folder, 'eng-spa.mode'), 'cat');
		});
		afterEach(() => rm(folder, { recursive: true, force: true }));
		/** Its arguments are `-d … -f txt -u mode source target`. */
		async function lossy(script: string, texts: string[]) {
			await writeFile(join(folder, 'apertium'), `#!/bin/sh\n${script}\n`);
			await chmod(join(folder, 'apertium'), 0o755);
			await writeFile(join(folder, 'cat'), '');
			return createLocalTranslator({ modesDir: folder, path: folder }).translate({ texts, from: 'en', to: 'es', signal: never });
		}

		it('finds out which, and leaves them as they are', async () => {
			const { texts } = await lossy(`sed 's/^bad$//; s/good/BUENO/' "$7" > "$8"`, ['good one', 'bad', 'good two', 'bad', 'good three']);
			expect(texts).toEqual(['BUENO one', 'bad', 'BUENO two', 'bad', 'BUENO three']);
			const cut = await lossy(`sed 's/two/dos\\n\\nmas/' "$7" > "$8"`, ['one', 'two', 'three']);
			expect(cut.texts).toEqual(['one', 'dos mas', 'three']);
		});

		it('gives up when it answers nothing at all, and takes nothing from before for the answer', async () => {
			await expect(lossy('exit 0', ['one', 'two', 'three'])).rejects.toMatchObject({ code: 'processing_failed' });
		});
	});

	it('goes through a third language where it must', async () => {
		const made = await translate(['The house is big.'], { to: 'ca' });
		expect(made.texts[0]).toMatch(/casa és gran/);
		expect(made.notes?.[0]).toContain('It went through Spanish.');
		expect(made.model).toBe('Apertium eng-spa, spa-cat');
	});

	it('says what is missing', async () => {
		const local = createLocalTranslator();
		expect(local.obstacle({ from: 'en', to: 'es' })).toBeNull();
		expect(local.obstacle()).toBeNull();
		expect(local.obstacle({ to: 'es' })).toMatch(/must be told the language/);
		expect(local.obstacle({ from: 'en', to: 'ja' })).toBe('The local translator has no way from English to Japanese. Set OPENAI_API_KEY.');
		expect(createLocalTranslator({ path: '/nowhere' }).obstacle({ from: 'es', to: 'en' })).toMatch(/apt-get install apertium apertium-eng-spa"/);
		expect(createLocalTranslator({ path: '/nowhere' }).obstacle()).toMatch(/not installed/);
		const modesDir = await mkdtemp(join(tmpdir(), 'modes-'));
		await writeFile(join(modesDir, 'nno-nob.mode'), '');
		expect(createLocalTranslator({ modesDir }).obstacle({ from: 'sv', to: 'da' })).toMatch(/apt-get install apertium apertium-swe-dan"/);
		expect(createLocalTranslator({ modesDir }).obstacle({ from: 'nn', to: 'no' })).toBeNull();
		await writeFile(join(modesDir, 'nno-nob.mode'), "lt-proc -w 'x.bin' | cg-nobody | lt-proc $1");
		expect(createLocalTranslator({ modesDir }).obstacle({ from: 'nn', to: 'no' })).toMatch(/needs the program cg-nobody: run "apt-get install cg3"/);
		await rm(modesDir, { recursive: true });
		await expect(translate(['x'], { to: 'ja' })).rejects.toMatchObject({ code: 'provider_not_configured' });
	});

	it('ends with its job', async () => {
		await expect(translate(['x y z'], { signal: AbortSignal.abort(new Error('over')) })).rejects.toThrow('over');
	});
});
