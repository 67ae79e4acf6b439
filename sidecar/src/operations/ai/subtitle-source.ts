import type { Readable } from 'node:stream';
import { z } from 'zod';
import { cueListSchema, MAX_SUBTITLE_CHARACTERS, type Cue } from '../../ai/subtitles/cue.ts';
import { cutSubtitles } from '../../ai/subtitles/cut.ts';
import { parseSubtitles, withoutUndefined, type ParseOptions } from '../../ai/subtitles/parse.ts';
import type { Segment } from '../../ai/transcriber.ts';
import { PipelineError } from '../../errors.ts';

/** Parameters of operations that work on subtitles; spread into their schema. */
export const subtitleFields = {
	subtitles: z
		.string()
		.max(MAX_SUBTITLE_CHARACTERS)
		.optional()
		.describe("The subtitles themselves: text of an SRT, WebVTT or ASS file, or the JSON that subtitle_edit and subtitle_convert write, which has the times of words, too. Absent: those of the asset, from its latest `translate` into `language`, else from its latest `transcribe`."),
	language: z
		.string()
		.regex(/^[a-z]{2}$/, 'must be an ISO 639-1 code of two letters, e.g. en')
		.optional()
		.describe("Which of the asset's subtitles, ISO 639-1 (`de`). Absent: those of the language that is spoken."),
};

/** Operations with `subtitleFields` wait for these (`buildsOn`). */
export const SUBTITLE_SOURCES = ['transcribe', 'translate'] as const;

/** What readCues needs of the pipeline; TaskContext and MeasureTools fit. */
export interface SubtitleReader {
	/** The latest completed result of that operation on the asset; `files`, where there, name what is stored. */
	earlierOutput(jobType: string, matching?: (output: Record<string, unknown>) => boolean): Promise<Record<string, unknown> | null>;
	readStored(key: string): Promise<Readable>;
}

export interface SubtitlesFound {
	cues: Cue[];
	/** ISO 639-1; `''`: not known. */
	language: string;
	origin: 'request' | 'transcribe' | 'translate';
	/** What had to be put right in subtitles of the request. */
	notes: string[];
}

/**
 * Subtitles for an operation: those of the request, else the asset's own. Cues have the times of their words where the transcript
 * has them. Throws `invalid_request` for text that is no subtitles, `input_not_found` naming what must be run first.
 */
export async function readCues(from: SubtitleReader, { subtitles, language }: { subtitles?: string | undefined; language?: string | undefined }, options: ParseOptions = {}): Promise<SubtitlesFound> {
	if (subtitles !== undefined) {
		const parsed = parseSubtitles(subtitles, options);
		return { cues: parsed.cues, language: language ?? parsed.language, origin: 'request', notes: parsed.notes };
	}
	if (language) {
		const translated = await from.earlierOutput('translate', (output) => isTranslated(output, language));
		if (translated && isTranslated(translated, language)) {
			const cues = await stored(from, translated, language);
			if (cues) return { cues, language, origin: 'translate', notes: [] };
		}
	}
	const transcribed = await from.earlierOutput('transcribe');
	const spoken = transcribed ? languageOf(transcribed) : '';
	if (transcribed && (!language || !spoken || spoken === language)) {
		const cues = await stored(from, transcribed, '');
		if (cues) return { cues, language: spoken || (language ?? ''), origin: 'transcribe', notes: [] };
	}
	throw missing(language, transcribed ? spoken : null);
}

function missing(language: string | undefined, spoken: string | null): PipelineError {
	const details = { field: 'params.subtitles', ...(language ? { language } : {}), run_first: spoken === null || !language ? 'transcribe' : 'translate' };
	if (spoken === null)
		return new PipelineError('input_not_found', 'There are no subtitles yet. Run transcribe on this asset first, or give the text of an SRT, WebVTT or ASS file as `subtitles`.', { details });
	if (!language)
		return new PipelineError('input_not_found', 'The result of transcribe on this asset holds nothing that subtitles could be made of. Run it again, or give the text of an SRT, WebVTT or ASS file as `subtitles`.', { details });
	return new PipelineError('input_not_found', `There are no subtitles in the language ${language}; what is spoken is ${spoken || 'unknown'}. Run translate into ${language} on this asset first, or give them as \`subtitles\`.`, { details });
}

const languageOf = ({ language, target_language: target }: Record<string, unknown>): string => [target, language].find((code): code is string => typeof code === 'string' && /^[a-z]{2}$/.test(code)) ?? '';

const translationsSchema = z.array(z.object({ language: z.string(), cue_count: z.number().optional() }));

/** Whether it has subtitles in that language: one translation may be into several, and of post texts only. */
function isTranslated(output: Record<string, unknown>, language: string): boolean {
	const translations = translationsSchema.safeParse(output['translations']).data;
	return translations ? translations.some((one) => one.language === language && one.cue_count !== undefined) : languageOf(output) === language;
}

const filesSchema = z.array(z.object({ name: z.string(), storage_key: z.string() }));
/** Cutting puts right what is before the beginning. */
const seconds = z.number();
const segmentsSchema = z.array(z.object({ start: seconds, end: seconds, text: z.string(), speaker: z.string().max(100).nullish() }));
type ForeignSegment = z.infer<typeof segmentsSchema>[number];
const inOrder = (segments: readonly ForeignSegment[]): Segment[] =>
	segments.map(({ speaker, ...segment }) => ({ ...segment, ...(speaker ? { speaker } : {}) })).toSorted((a, b) => a.start - b.start);
const wordsSchema = z.array(z.object({ start: seconds, end: seconds, word: z.string() }));
/** A transcript of a whole day with the times of its words is some 30 MB. */
const MAX_FILE_BYTES = 64_000_000;

/** From the best of the files that a job has stored, else from what its output says. Null: neither can be used. */
async function stored(from: SubtitleReader, output: Record<string, unknown>, language: string): Promise<Cue[] | null> {
	const files = filesSchema.safeParse(output['files']).data ?? [];
	const ofLanguage = files.filter(({ name }) => name.includes(`.${language}.`));
	const candidates = ofLanguage.length > 0 ? ofLanguage : files;
	const json = candidates.find(({ name }) => name.endsWith('.json'));
	if (json) {
		const cues = readDocument(await textOf(from, json.storage_key));
		if (cues) return cues;
	}
	const timed = candidates.find(({ name }) => /\.(?:vtt|srt)$/.test(name));
	if (timed) return parseSubtitles(await textOf(from, timed.storage_key)).cues;
	const segments = segmentsSchema.safeParse(output['segments']).data;
	return segments ? cutSubtitles(inOrder(segments), wordsSchema.safeParse(output['words']).data ?? null) : null;
}

/** `cues` of transcript.json and its siblings. */
function readDocument(text: string): Cue[] | null {
	try {
		const { cues } = JSON.parse(text) as { cues?: unknown };
		return cueListSchema.safeParse(cues).data?.map(withoutUndefined) ?? null;
	} catch {
		return null;
	}
}

async function textOf(from: SubtitleReader, key: string): Promise<string> {
	const parts: Buffer[] = [];
	let bytes = 0;
	for await (const part of await from.readStored(key)) {
		parts.push(Buffer.from(part as Uint8Array));
		bytes += parts.at(-1)?.length ?? 0;
		if (bytes > MAX_FILE_BYTES) throw new PipelineError('input_too_large', 'The stored subtitles of this asset are too large to be read.');
	}
	return Buffer.concat(parts).toString('utf8');
}
