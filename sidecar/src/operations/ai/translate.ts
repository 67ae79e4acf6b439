import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isRightToLeft, isWide, knownLanguage, languageName, languageSchema } from '../../ai/languages.ts';
import { addUsage, type Answered } from '../../ai/provider.ts';
import type { Cue } from '../../ai/subtitles/cue.ts';
import { toSrt } from '../../ai/subtitles/srt.ts';
import { toVtt } from '../../ai/subtitles/vtt.ts';
import type { Translator } from '../../ai/translator.ts';
import { PipelineError } from '../../errors.ts';
import type { ProducedFile } from '../../media/plan.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';
import { readCues, subtitleFields, type SubtitlesFound } from './subtitle-source.ts';
import { translateCaptions } from './translate-posts.ts';
import { captionResult, type CaptionResult } from './translate-captions.ts';
import type { Rules } from './translate-cues.ts';
import { translateSubtitles } from './translate-subtitles.ts';
import { createTranslation, type GlossaryEntry, type Translation } from './translation.ts';

const params = z.strictObject({
	to: z.array(languageSchema).min(1).max(100).describe('Languages to translate into, ISO 639-1: `["de", "ja"]`.'),
	from: languageSchema.optional().describe('Language of the original, ISO 639-1. Absent: that of the transcript, else found out.'),
	what: z
		.enum(['subtitles', 'captions', 'both'])
		.default('subtitles')
		.describe("What to translate: subtitles, or the asset's latest post texts (`caption`), or both. Default `subtitles`."),
	subtitles: subtitleFields.subtitles,
	glossary: z
		.array(z.strictObject({ from: z.string().min(1).max(100), to: z.string().min(1).max(100) }))
		.max(200)
		.default([])
		.describe('How these words are to be translated; names that stay as they are have equal sides. Goes before the corrections of the workspace.'),
	tone: z.string().min(1).max(200).optional().describe('How it shall sound, e.g. `informal, for teenagers`.'),
	max_line_chars: z.number().int().min(8).max(80).optional().describe('Longest line of the subtitles, characters. Default 42; 16 for Chinese, Japanese and Korean.'),
	max_lines: z.number().int().min(1).max(4).default(2).describe('Most lines of one subtitle. Default 2.'),
	max_chars_per_second: z
		.number()
		.min(4)
		.max(40)
		.optional()
		.describe('Reading speed; faster subtitles are reported in `warnings`. Default 20; 10 for Chinese, Japanese and Korean.'),
});
type Params = z.infer<typeof params>;

/** Netflix timed text guides: 42 characters of Latin script, 16 of Chinese and Korean (13 to 16 of Japanese). */
const LINE = { latin: 42, wide: 16 };
/** Netflix timed text guides: 17 to 20 characters a second of Latin script, 9 to 12 of Chinese and Korean. */
const SPEED = { latin: 20, wide: 10 };

export interface TranslateDeps {
	translator: Translator;
	/** What people of the workspace said about how words are translated into `language`. */
	glossary(workspaceId: string, language: string): Promise<GlossaryEntry[]>;
}

/** Subtitles and post texts in other languages; times, lines, links and limits as they must be. */
export function createTranslate({ translator, glossary }: TranslateDeps): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'translate',
		version: 1,
		summary: 'Translates subtitles and post texts into other languages; times stay, lines and lengths fit.',
		buildsOn: ['transcribe', 'caption'],
		standsAlone: ({ what, subtitles }) => what === 'subtitles' && subtitles !== undefined,
		accepts: ['video', 'audio', 'image'],
		params,
		produces:
			'`translations`, per language: `language`, `direction`, `text`, `cue_count`, `warnings` (each with `cue`, `kind`, `message`), and for post texts `captions` ' +
			'(as those of `caption`, without `angle`), `title`, `description`, `tags`, `alt_text`; `languages`, `source_language`, `notes`. ' +
			'Files, per language: `subtitles.de.srt`, `subtitles.de.vtt`, `subtitles.de.json`.',
		example: { to: ['de', 'ja'], what: 'subtitles' },
		// A model writes some 60 characters a second; a minute of speech has 900.
		estimateSeconds: (facts, { to }) => 3 + to.length * (2 + (facts?.durationSeconds ?? 60) * 0.3),
		async run(context, given) {
			const targets = [...new Set(given.to)];
			const source = await readSource(context, given);
			for (const to of targets) {
				const why = obstacle(translator, source, to);
				if (why) throw new PipelineError('provider_not_configured', why, { details: { language: to } });
			}
			const answers: Answered[] = [];
			const notes = new Set(source.subtitles?.notes);
			const files: ProducedFile[] = [];
			const translations: Array<Record<string, unknown>> = [];
			// What did not fit is asked for once more: progress must not go back.
			let most = 0;
			for (const [index, to] of targets.entries()) {
				const terms = [...given.glossary, ...(await glossary(context.workspaceId, to))];
				const from = (language: string): Translation =>
					createTranslation({
						translator,
						from: language || undefined,
						to,
						tone: given.tone,
						glossary: terms,
						signal: context.signal,
						answered: (answer) => answers.push(answer),
						onProgress: (percent) => context.progress((most = Math.max(most, ((index + percent / 100) / targets.length) * 95))),
					});
				if (languagesOf(source).includes(to)) notes.add(`${source.subtitles && source.captions ? 'Some of it' : 'This'} is ${languageName(to)} already: it stays as it is.`);
				translations.push(await context.step(`translate ${to}`, () => translateInto(from, source, rulesFor(to, given), { workDir: context.workDir, files, signal: context.signal })));
			}
			for (const answer of answers) for (const note of answer.notes ?? []) notes.add(note);
			const last = answers.at(-1);
			return {
				output: {
					what: given.what,
					source_language: languagesOf(source).find(Boolean) ?? '',
					languages: targets,
					translations,
					...(last ? { provider: last.provider, model: last.model } : {}),
					notes: [...notes],
				},
				files,
				cost: addUsage(...answers.map(({ usage }) => usage)),
			};
		},
	};
}

/** ISO 639-1; empty: not known. */
interface Source {
	subtitles: SubtitlesFound | null;
	/** People may have had them written in another language than is spoken. */
	captions: (CaptionResult & { language: string }) | null;
}

const languagesOf = ({ subtitles, captions }: Source): string[] => [subtitles, captions].flatMap((part) => part?.language ?? []);

/** Null where there is nothing to translate: a film in which nobody speaks is no reason to fail. */
function obstacle(translator: Translator, { subtitles, captions }: Source, to: string): string | null {
	const languages = [...(subtitles && subtitles.cues.length > 0 ? [subtitles.language] : []), ...(captions ? [captions.language] : [])];
	const obstacles = languages.filter((from) => from !== to).map((from) => translator.obstacle({ from: from || undefined, to }));
	return obstacles.find((why) => why !== null) ?? null;
}

/** Throws `input_not_found` where there is nothing of what is wanted; of both, one will do. */
async function readSource(context: TaskContext, { what, subtitles, from }: Params): Promise<Source> {
	const result = what === 'subtitles' ? null : (captionResult.safeParse(await context.earlierOutput('caption')).data ?? null);
	if (what === 'captions' && !result) throw new PipelineError('input_not_found', 'There are no post texts yet. Run caption on this asset first.', { details: { run_first: 'caption' } });
	// They know it themselves; where there is both, `from` is about what is spoken.
	const captions = result && { ...result, language: (what === 'captions' ? from : undefined) ?? knownLanguage(result.language) ?? from ?? '' };
	if (what === 'captions') return { subtitles: null, captions };
	const found = await readCues(context, { subtitles, language: from }).catch((error: unknown) => {
		if (captions && error instanceof PipelineError && error.code === 'input_not_found') return null;
		throw error;
	});
	return { subtitles: found && { ...found, language: from ?? found.language }, captions };
}

function rulesFor(language: string, given: Params): Rules {
	const script = isWide(language) ? 'wide' : 'latin';
	return {
		language,
		maxLineChars: given.max_line_chars ?? LINE[script],
		maxLines: given.max_lines,
		maxCharsPerSecond: given.max_chars_per_second ?? SPEED[script],
	};
}

async function translateInto(from: (language: string) => Translation, { subtitles, captions }: Source, rules: Rules, { workDir, files, signal }: { workDir: string; files: ProducedFile[]; signal: AbortSignal }): Promise<Record<string, unknown>> {
	const { language } = rules;
	const result: Record<string, unknown> = { language, direction: isRightToLeft(language) ? 'rtl' : 'ltr' };
	if (subtitles) {
		const { cues, warnings } = await translateSubtitles(from(subtitles.language), subtitles, rules, signal);
		files.push(...(await writeSubtitles(cues, language, workDir)));
		Object.assign(result, { text: cues.flatMap(({ lines }) => lines).join('\n'), cue_count: cues.length, warnings });
	}
	if (captions) Object.assign(result, await translateCaptions(from(captions.language), captions));
	return result;
}

async function writeSubtitles(cues: readonly Cue[], language: string, workDir: string): Promise<ProducedFile[]> {
	const contents: Array<[string, string, string]> = [
		[`subtitles.${language}.srt`, 'application/x-subrip', toSrt(cues)],
		[`subtitles.${language}.vtt`, 'text/vtt', toVtt(cues)],
		[`subtitles.${language}.json`, 'application/json', `${JSON.stringify({ language, cues }, null, '\t')}\n`],
	];
	return Promise.all(
		contents.map(async ([name, mime, content]) => {
			const path = join(workDir, name);
			await writeFile(path, content);
			return { name, path, mime };
		}),
	);
}
