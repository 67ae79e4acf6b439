import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PipelineError } from '../../errors.ts';
import { runTool } from '../../media/process.ts';
import { languageName } from '../languages.ts';
import type { TranslateRequest, Translator } from '../translator.ts';
import { findProgram } from './programs.ts';

/** Where Debian's packages of language pairs put their modes, e.g. `eng-spa.mode`. */
const MODES = '/usr/share/apertium/modes';
/** Debian's packages by the pairs that they translate, for advice. */
const PACKAGES: Readonly<Record<string, string>> = {
	'en-es': 'apertium-eng-spa', 'en-ca': 'apertium-eng-cat', 'en-gl': 'apertium-en-gl', 'eu-en': 'apertium-eu-en', 'is-en': 'apertium-isl-eng', 'mk-en': 'apertium-mkd-eng',
	'es-fr': 'apertium-fr-es', 'es-pt': 'apertium-es-pt', 'es-it': 'apertium-spa-ita', 'es-ca': 'apertium-spa-cat', 'es-gl': 'apertium-es-gl', 'es-ro': 'apertium-es-ro', 'eu-es': 'apertium-eu-es',
	'fr-ca': 'apertium-fra-cat', 'ca-it': 'apertium-cat-ita', 'pt-ca': 'apertium-por-cat', 'pt-gl': 'apertium-pt-gl', 'oc-fr': 'apertium-oci-fra', 'br-fr': 'apertium-br-fr',
	'sv-da': 'apertium-swe-dan', 'sv-no': 'apertium-swe-nor', 'da-no': 'apertium-dan-nor', 'ru-uk': 'apertium-rus-ukr', 'be-ru': 'apertium-bel-rus', 'af-nl': 'apertium-afr-nld', 'id-ms': 'apertium-ind-zlm', 'mk-bg': 'apertium-mkd-bul',
};
/** An hour of speech has 50,000 characters and takes a few seconds. */
const TIMEOUT_MS = 300_000;
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

export interface LocalTranslatorOptions {
	/** Default: where Debian's packages put them. */
	modesDir?: string;
	/** Where programs are looked for, as in PATH. Default: PATH. */
	path?: string | undefined;
}

interface Mode {
	name: string;
	from: string;
	to: string;
}

/** Apertium, a translator by rules, for pairs that are installed, or two of them one after the other. A program of its own. */
export function createLocalTranslator({ modesDir = MODES, path }: LocalTranslatorOptions = {}): Translator {
	function route(from: string | undefined, to: string): Mode[] | string {
		const remedy = 'Or set OPENAI_API_KEY.';
		if (!from) return 'The local translator must be told the language of the original (`from`). Or set OPENAI_API_KEY.';
		const wanted = PACKAGES[`${from}-${to}`] ?? PACKAGES[`${to}-${from}`];
		const install = wanted ? `run "apt-get install apertium ${wanted}" (Debian, Ubuntu)` : null;
		if (!findProgram('apertium', path)) return `The local translator is not installed${install ? `: ${install}. ${remedy}` : `, and it knows no pair ${languageName(from)} to ${languageName(to)}. Set OPENAI_API_KEY.`}`;
		const chosen = chain(readModes(modesDir), from, to);
		const missing = chosen?.flatMap((mode) => programsOf(modesDir, mode)).find((name) => !findProgram(name, path));
		if (missing) return `The local translator from ${languageName(from)} to ${languageName(to)} needs the program ${missing}${missing.startsWith('cg-') ? ': run "apt-get install cg3" (Debian, Ubuntu)' : ''}. ${remedy}`;
		return chosen ?? `The local translator has no way from ${languageName(from)} to ${languageName(to)}${install ? `: ${install}. ${remedy}` : '. Set OPENAI_API_KEY.'}`;
	}

	return {
		name: 'local',
		model: 'Apertium',
		obstacle(pair) {
			if (!pair) return findProgram('apertium', path) ? null : 'The local translator is not installed: run "apt-get install apertium apertium-eng-spa" (Debian, Ubuntu; one package per pair of languages). Or set OPENAI_API_KEY.';
			const found = route(pair.from, pair.to);
			return typeof found === 'string' ? found : null;
		},
		async translate(request) {
			const modes = route(request.from, request.to);
			const program = findProgram('apertium', path);
			if (typeof modes === 'string' || !program) throw new PipelineError('provider_not_configured', typeof modes === 'string' ? modes : 'The local translator is not installed.');
			const started = performance.now();
			const folder = await mkdtemp(join(tmpdir(), 'apertium-'));
			try {
				const texts = await translateTexts(request, async (paragraphs) => {
					let text = paragraphs.join('\n\n');
					for (const { name } of modes) text = await runMode({ program, modesDir, folder, signal: request.signal }, name, text);
					return text.trim().split(/\n[ \t]*\n\s*/);
				});
				request.onProgress?.(100);
				const through = modes.length > 1 ? ` It went through ${languageName(modes[0]?.to ?? '')}.` : '';
				return {
					texts,
					usage: { ai_characters: request.texts.reduce((sum, text) => sum + text.length, 0), ai_seconds: Math.round(performance.now() - started) / 1000 },
					notes: [`Draft quality: Apertium translates by rules, which gives the gist.${through} For better texts set OPENAI_API_KEY.`],
					provider: 'local',
					model: `Apertium ${modes.map(({ name }) => name).join(', ')}`,
				};
			} finally {
				await rm(folder, { recursive: true, force: true });
			}
		},
	};
}

/** `eng-spa.mode` → en to es. Variants (`spa-eng_US`) are left out: the plain one is always there. */
function readModes(folder: string): Mode[] {
	let files: string[];
	try {
		files = readdirSync(folder);
	} catch {
		return [];
	}
	return files.flatMap((file) => {
		const [, from, to] = /^([a-z]{2,3})-([a-z]{2,3})\.mode$/.exec(file) ?? [];
		// nob is nb of the newer ISO 639-1, which people call no.
		const code = (name: string): string => (Intl.getCanonicalLocales(name)[0] ?? name).replace(/^nb$/, 'no');
		return from && to ? [{ name: `${from}-${to}`, from: code(from), to: code(to) }] : [];
	});
}

/** A mode is a pipeline of a shell; without one of its programs it gives nothing, and calls that a success. */
const programsOf = (folder: string, { name }: Mode): string[] =>
	readFileSync(join(folder, `${name}.mode`), 'utf8')
		.split('|')
		.flatMap((part) => /^\s*([\w-]+)/.exec(part)?.[1] ?? []);

/** One mode, or two. */
function chain(modes: readonly Mode[], from: string, to: string): Mode[] | null {
	const direct = modes.find((mode) => mode.from === from && mode.to === to);
	if (direct) return [direct];
	for (const first of modes.filter((mode) => mode.from === from)) {
		const second = modes.find((mode) => mode.from === first.to && mode.to === to);
		if (second) return [first, second];
	}
	return null;
}

/** Brackets that Apertium leaves alone, for words of the glossary. */
const MARK = /⟪\s*(\d+)\s*⟫/g;
/** Marks of whoever asks ("⟦1⟧"): what stands in them is no word. */
const FOREIGN_MARK = '⟦\\s*\\d+\\s*⟧';

/** Each text with a mark in place of every term, the longest term first; never within another mark. */
function shield(texts: readonly string[], terms: ReadonlyArray<{ from: string }>): string[] {
	const places = new Map(terms.map(({ from }, index) => [from.toLowerCase(), index + 1]));
	const words = terms.map(({ from }) => from.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
	const pattern = words === '' ? null : new RegExp(`${FOREIGN_MARK}|(?<![\\p{L}\\p{N}])(?:${words})(?![\\p{L}\\p{N}])`, 'giu');
	return texts.map((text) => {
		const plain = text.replace(/[⟪⟫]/g, '');
		return pattern ? plain.replace(pattern, (found) => (places.has(found.toLowerCase()) ? `⟪${places.get(found.toLowerCase())}⟫` : found)) : plain;
	});
}

/** Lines go through apart, so that each comes back to its text; terms of the glossary go around. */
async function translateTexts({ texts, glossary = [] }: TranslateRequest, translate: (paragraphs: readonly string[]) => Promise<string[]>): Promise<string[]> {
	const terms = [...glossary].sort((a, b) => b.from.length - a.from.length);
	const lines = shield(texts, terms).map((text) => text.split(/\r\n|[\n\r]/));
	const spoken = (line: string): boolean => /\p{L}/u.test(line.replace(MARK, ''));
	const given = lines.flat().filter(spoken);
	const answers = await oneForEach(given.map((line) => line.replace(/\p{Cc}+/gu, ' ').trim()), translate);
	const next = answers.values();
	return lines.map((own) =>
		own
			.map((line) => (spoken(line) ? (next.next().value ?? '') : line))
			.join('\n')
			.replace(MARK, (_, digits: string) => terms[Number(digits) - 1]?.to ?? ''),
	);
}

/** Calls in search of paragraphs that are lost: some twenty of them, among thousands. */
const MOST_CALLS = 400;

/**
 * As many paragraphs as were given. Where one is lost or cut in two, nobody can tell which one it was: each half is asked for by
 * itself then, down to the single one, which stays as it is when nothing comes of it.
 */
async function oneForEach(given: readonly string[], translate: (paragraphs: readonly string[]) => Promise<string[]>): Promise<string[]> {
	let calls = 0;
	const ask = async (asked: readonly string[]): Promise<string[]> => {
		if (asked.length === 0) return [];
		const answers = (await translate(asked)).filter(Boolean);
		if (answers.length === asked.length) return answers;
		if (asked.length === 1) return [answers.join(' ') || (asked[0] ?? '')];
		if (++calls > MOST_CALLS || (asked === given && answers.length === 0)) {
			throw new PipelineError('processing_failed', 'The local translator lost texts. The log of the sidecar has the details.', { cause: new Error(`${answers.length} paragraphs for ${asked.length}`) });
		}
		const middle = Math.ceil(asked.length / 2);
		return [...(await ask(asked.slice(0, middle))), ...(await ask(asked.slice(middle)))];
	};
	return ask(given);
}

async function runMode({ program, modesDir, folder, signal }: { program: string; modesDir: string; folder: string; signal: AbortSignal }, mode: string, text: string): Promise<string> {
	const [source, target] = [join(folder, 'in.txt'), join(folder, 'out.txt')];
	await writeFile(source, text);
	// What an earlier call left must not pass for the answer of this one.
	await writeFile(target, '');
	// -u: words that it does not know come back as they are, without its asterisk.
	const result = await runTool(program, ['-d', join(modesDir, '..'), '-f', 'txt', '-u', mode, source, target], { timeoutMs: TIMEOUT_MS, maxOutputBytes: MAX_OUTPUT_BYTES, signal });
	if (result.stopped === 'timeout') throw new PipelineError('processing_timeout', 'The local translator took too long.');
	if (result.code !== 0) throw new PipelineError('processing_failed', 'The local translator failed. The log of the sidecar has its words.', { cause: new Error(`exit ${result.code}: ${result.stderr}`) });
	return readFile(target, 'utf8');
}
