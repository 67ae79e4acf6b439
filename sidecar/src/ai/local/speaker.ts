import { rm, stat, writeFile } from 'node:fs/promises';
import { PipelineError } from '../../errors.ts';
import { runTool } from '../../media/process.ts';
import { languageName } from '../languages.ts';
import type { Speaker } from '../speaker.ts';
import { findProgram } from './programs.ts';

/** Voices of Debian's flite; `slt` and `rms` are the ones that are understood best. */
const FLITE_VOICES = ['slt', 'rms', 'awb', 'kal16', 'kal', 'awb_time'];
/** Languages of espeak-ng 1.51 (`espeak-ng --voices`), by ISO 639-1. Japanese is left out: it cannot read kanji. */
const ESPEAK_LANGUAGES = new Set(
	'af am ar as az ba be bg bn bs ca cs cv cy da de el en eo es et eu fa fi fr ga gd gn gu he hi hr ht hu hy ia id io is it ka kk kl kn ko ku ky la lb lt lv mi mk ml mr ms mt my ne nl no om or pa pl pt qu ro ru sd si sk sl sq sr sv sw ta te th tk tn tr tt ug uk ur uz vi zh'.split(' '),
);
/** Where its names are others. */
const ESPEAK_NAMES: Readonly<Record<string, string>> = { zh: 'cmn', no: 'nb', en: 'en-us', fr: 'fr-fr' };
/** A voice, and optionally a variant: `de`, `en-gb`, `de+f3`. A path would be read as a file. */
const ESPEAK_VOICE = /^[A-Za-z]{2,4}(-[A-Za-z0-9-]{1,24})?(\+[A-Za-z0-9_]{1,20})?$/;
/** Both speak a hundred times faster than people; ten thousand characters take them some seconds. */
const TIMEOUT_MS = 120_000;

export interface LocalSpeakerOptions {
	/** Where programs are looked for, as in PATH. Default: PATH. */
	path?: string | undefined;
}

interface Program {
	name: 'flite' | 'espeak-ng';
	file: string;
	voice: string;
}

/** Robotic voices without network and key: flite for English, espeak-ng for everything else. Programs of their own. */
export function createLocalSpeaker({ path }: LocalSpeakerOptions = {}): Speaker {
	/** A sentence: why not. */
	function choose(language: string, voice: string | undefined): Program | string {
		const flite = findProgram('flite', path);
		if (language === 'en' && flite && (voice === undefined || FLITE_VOICES.includes(voice))) return { name: 'flite', file: flite, voice: voice ?? 'slt' };
		const espeak = findProgram('espeak-ng', path);
		const remedy = 'Or set ELEVENLABS_API_KEY or OPENAI_API_KEY.';
		if (!ESPEAK_LANGUAGES.has(language)) return `No local voice speaks ${languageName(language)}. Set ELEVENLABS_API_KEY or OPENAI_API_KEY.`;
		if (!espeak) {
			const packages = language === 'en' ? 'flite" or "apt-get install espeak-ng' : 'espeak-ng';
			return `The local voice for ${languageName(language)} is not installed: run "apt-get install ${packages}" (Debian, Ubuntu). ${remedy}`;
		}
		return { name: 'espeak-ng', file: espeak, voice: voice ?? ESPEAK_NAMES[language] ?? language };
	}

	return {
		name: 'local',
		model: 'flite, espeak-ng',
		obstacle(language = 'en') {
			const chosen = choose(language, undefined);
			return typeof chosen === 'string' ? chosen : null;
		},
		async speak({ text, language, voice, path: target, signal }) {
			// Control characters are commands to espeak-ng: faster, louder, another voice.
			const input = text.replace(/\p{Cc}+/gu, ' ').trim();
			if (input === '') throw new PipelineError('invalid_request', 'There is no text to speak.');
			const chosen = choose(language, voice);
			if (typeof chosen === 'string') throw new PipelineError('provider_not_configured', chosen);
			if (chosen.name === 'espeak-ng' && !ESPEAK_VOICE.test(chosen.voice)) {
				// Meant for another provider, perhaps: what that one said counts more than this.
				throw new PipelineError('provider_rejected', `"${chosen.voice}" is no voice of the local engine. English has ${FLITE_VOICES.join(', ')}; for all languages there are voices like "de", "en-gb" or "de+f3".`);
			}
			const [source, file] = [`${target}.txt`, `${target}.wav`];
			// As a file: a text may begin with a dash.
			await writeFile(source, `${chosen.name === 'flite' ? inAscii(input) : input}\n`);
			try {
				const args = chosen.name === 'flite' ? ['-voice', chosen.voice, '-f', source, '-o', file] : ['-v', chosen.voice, '-b', '1', '-f', source, '-w', file];
				const result = await runTool(chosen.file, args, { timeoutMs: TIMEOUT_MS, signal });
				if (result.stopped === 'timeout') throw new PipelineError('processing_timeout', 'The local voice took too long.');
				// espeak-ng ends with 0 when it does not know the voice.
				const made = await stat(file).catch(() => null);
				if (result.code !== 0 || !made || made.size <= 44) {
					throw new PipelineError('processing_failed', `The local voice (${chosen.name}, ${chosen.voice}) said nothing. Try another voice or text.`, { cause: new Error(`exit ${result.code}: ${result.stderr}`) });
				}
			} finally {
				await rm(source, { force: true });
			}
			return {
				path: file,
				usage: { ai_characters: input.length },
				notes: ['The local voice is robotic. For natural ones set ELEVENLABS_API_KEY or OPENAI_API_KEY.'],
				provider: 'local',
				model: `${chosen.name} ${chosen.voice}`,
			};
		},
	};
}

/** flite passes over all other letters: "café" would be "caf", and a dash no pause. */
const inAscii = (text: string): string =>
	text
		.normalize('NFKD')
		.replace(/\p{M}+/gu, '')
		.replace(/\s*[–—―]\s*/g, ', ')
		.replace(/[‘’‚′]/g, "'")
		.replace(/[“”„«»]/g, '"')
		.replace(/[^ -~]+/g, ' ');
