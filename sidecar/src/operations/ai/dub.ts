import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isWide, knownLanguage, languageName, languageSchema } from '../../ai/languages.ts';
import type { Patience } from '../../ai/patience.ts';
import { addUsage, type Answered } from '../../ai/provider.ts';
import type { Dubber, Speaker } from '../../ai/speaker.ts';
import type { Translator } from '../../ai/translator.ts';
import { PipelineError } from '../../errors.ts';
import type { MediaFacts } from '../../media/facts.ts';
import { loudnessFields, readLoudness } from '../../media/loudness.ts';
import type { MediaPlan, PlanResult } from '../../media/plan.ts';
import { probe } from '../../media/probe.ts';
import type { OpenedMedia } from '../media-input.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';
import { gainTo, measurePlan, mixPlan, RESULT, type Mix } from './dub-mix.ts';
import { makeVoiceTrack, type Line } from './dub-voice.ts';
import type { Engine } from './engine.ts';
import { readCues, subtitleFields, type SubtitlesFound } from './subtitle-source.ts';
import { unitsOf } from './translate-cues.ts';
import { translateSubtitles } from './translate-subtitles.ts';
import { createTranslation, type GlossaryEntry } from './translation.ts';

const params = z.strictObject({
	to: languageSchema.describe('Language to speak, ISO 639-1: `es`.'),
	from: languageSchema.optional().describe('Language of the original, ISO 639-1. Absent: that of the transcript, else found out.'),
	subtitles: subtitleFields.subtitles.describe('What to say and when: text of an SRT, WebVTT or ASS file, in the language `to`, or in `from` where that is given. Absent: the latest `translate` into `to`, else the latest `transcribe`, translated.'),
	mode: z.enum(['over', 'replace']).default('over').describe('`over`: the original stays audible beneath the new voice. `replace`: only the new voice. Default `over`.'),
	engine: z
		.enum(['auto', 'voices', 'dubbing'])
		.default('auto')
		.describe('`dubbing`: a service that keeps the voices of the original (ElevenLabs); it translates by itself. `voices`: subtitles, spoken. Default `auto`: `voices` where there are subtitles in the language already, or `subtitles` or `voice` are given; else `dubbing` where it is configured.'),
	voice: z.string().min(1).max(100).optional().describe('Name or ID of a voice that the provider knows. Default: its own for the language.'),
	duck_db: z.number().min(0).max(40).default(15).describe('By how much the original becomes quieter under the voice, dB. Default 15.'),
	keep_original: z.boolean().default(false).describe('Whether a video also gets its original sound, as a second track. Default false.'),
	target_lufs: z.number().min(-40).max(-9).default(-16).describe('Loudness of the result, LUFS. Default -16.'),
});
type Params = z.infer<typeof params>;

/** A lecture. The track of the voice is a WAV of 0.7 GB then, in the scratch folder. */
const MAX_SECONDS = 3 * 3600;
const MAX_LINES = 4000;
/** Spoken comfortably: people say some 15 characters a second, 7 of Chinese or Japanese. */
const SPEECH_RATE = { latin: 15, wide: 7 };

export interface DubDeps {
	speaker: Speaker;
	dubber: Dubber;
	translator: Translator;
	engine: Engine;
	glossary(workspaceId: string, language: string): Promise<GlossaryEntry[]>;
	/** Pauses before a refused sentence is spoken once more. Default: the clock. */
	sleep?: Patience['sleep'];
}

/** Speech in another language, over the original or instead of it. The picture is not touched. */
export function createDub(deps: DubDeps): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'dub',
		version: 1,
		summary: 'Speaks what is said in another language, at its times, over the original or instead of it. The picture is not touched.',
		buildsOn: ['transcribe', 'translate'],
		standsAlone: ({ subtitles }) => subtitles !== undefined,
		accepts: ['video', 'audio'],
		params,
		produces:
			'`language`, `engine` (`voices` or `dubbing`), `mode`, `utterances`, `warnings` (each with `line`, `kind`, `message`), `loudness`, `text`, `provider`, `model`, `notes`. ' +
			'Files: `dubbed.mp4` or `.webm` of a video, of sound a file of its own format.',
		example: { to: 'es', mode: 'over' },
		// Hosted voices speak some five times faster than people.
		estimateSeconds: (facts) => 10 + (facts?.durationSeconds ?? 60) * 0.4,
		async run(context, given) {
			const source = await context.source();
			if (source.facts.durationSeconds > MAX_SECONDS) {
				throw new PipelineError('input_too_large', `This file is ${Math.round(source.facts.durationSeconds / 60)} minutes long; at most ${MAX_SECONDS / 60} minutes can be dubbed at once. Trim it, or dub its parts.`);
			}
			const answers: Answered[] = [];
			const made = await dub({ ...deps, context, given, source, answers });
			const last = answers.at(-1);
			const notes = new Set([...made.notes, ...answers.flatMap(({ notes: own = [] }) => own)]);
			return {
				output: { language: given.to, mode: given.mode, ...made.output, ...(last ? { provider: last.provider, model: last.model } : {}), notes: [...notes] },
				files: made.result.files,
				cost: { ...addUsage(...answers.map(({ usage }) => usage)), cpu_seconds: Math.round(made.cpuSeconds * 100) / 100 },
			};
		},
	};
}

interface Work extends DubDeps {
	context: TaskContext;
	given: Params;
	source: OpenedMedia;
	answers: Answered[];
}

interface Made {
	result: PlanResult;
	output: Record<string, unknown>;
	notes: string[];
	cpuSeconds: number;
}

async function dub(work: Work): Promise<Made> {
	const { given, dubber, source } = work;
	if (given.engine === 'voices') return byVoices(work, await findText(work));
	if (given.engine === 'dubbing') {
		const obstacle = dubber.obstacle();
		if (obstacle) throw new PipelineError('provider_not_configured', obstacle);
		return byService(work);
	}
	const ready = await findText(work).catch((error: unknown) => {
		if (error instanceof PipelineError && error.code === 'input_not_found') return null;
		throw error;
	});
	if (ready) refuseSilence(ready);
	// Whoever says what is to be spoken, or by whom, does not want the service, which asks for neither.
	const spoken = ready !== null && (ready.language === given.to || given.subtitles !== undefined || given.voice !== undefined);
	if (!spoken && source.facts.audio && dubber.obstacle() === null) return byService(work);
	return byVoices(work, ready ?? (await findText(work)));
}

/** A film in which nobody speaks must not be translated, nor paid for. */
function refuseSilence({ cues, origin }: SubtitlesFound): void {
	if (cues.length > 0) return;
	const remedy = 'If somebody does, set engine to "dubbing", or give `subtitles`.';
	throw new PipelineError('input_not_found', origin === 'request' ? 'The subtitles are empty, so there is nothing to speak.' : `Nobody speaks in this file, as its transcript has it, so there is nothing to dub. ${remedy}`);
}

/** Subtitles in the wanted language, else those of the original. */
async function findText(work: Work): Promise<SubtitlesFound> {
	const { context, given: { subtitles, from, to } } = work;
	if (subtitles !== undefined) return readCues(context, { subtitles, language: from ?? to });
	const found = await readCues(context, { language: to }).catch((error: unknown) => {
		if (error instanceof PipelineError && error.code === 'input_not_found') return null;
		throw error;
	});
	// A transcript whose language nobody knows answers to every one.
	if (found && (found.origin !== 'transcribe' || (await spokenLanguage(work)) === to)) return found;
	return readCues(context, { language: from });
}

async function byVoices(work: Work, found: SubtitlesFound): Promise<Made> {
	const { context, given, source, speaker, engine, answers } = work;
	refuseSilence(found);
	const obstacle = speaker.obstacle(given.to) ?? translationObstacle(work, found);
	if (obstacle) throw new PipelineError('provider_not_configured', obstacle);
	const { cues, notes } = found.language === given.to ? found : await context.step('translate', () => translateCues(work, found));
	const { durationSeconds } = source.facts;
	const lines = linesOf(cues, given.to).filter(({ start }) => start < durationSeconds);
	if (lines.length === 0) throw new PipelineError('input_not_found', 'Nothing is said in these subtitles within the length of this file, so there is nothing to speak.');
	if (lines.length > MAX_LINES) throw new PipelineError('input_too_large', `There are ${lines.length} sentences to speak; at most ${MAX_LINES} are spoken at once. Dub parts of this file.`);
	const track = await context.step('voice', () =>
		makeVoiceTrack(context, lines, {
			speaker,
			sleep: work.sleep,
			engine,
			language: given.to,
			voice: given.voice,
			durationSeconds,
			floor: 10 ** (-given.duck_db / 20),
			answered: (answer) => answers.push(answer),
			progress: (percent) => context.progress(20 + percent * 0.5),
		}),
	);
	const made = await finish(work, { path: track.path, facts: await probe(track.path) }, false);
	return { ...made, output: { engine: 'voices', utterances: track.voices.length, ...made.output, text: lines.map(({ text }) => text).join('\n'), warnings: track.warnings }, notes };
}

function translationObstacle({ translator, given }: Work, { language }: SubtitlesFound): string | null {
	const from = language || given.from;
	return from === given.to ? null : translator.obstacle({ from, to: given.to });
}

async function translateCues({ context, given, translator, glossary, answers }: Work, found: SubtitlesFound): Promise<Pick<SubtitlesFound, 'cues' | 'notes'>> {
	const wide = isWide(given.to);
	// What did not fit is asked for once more: progress must not go back.
	let most = 0;
	const translation = createTranslation({
		translator,
		from: found.language || given.from,
		to: given.to,
		tone: undefined,
		glossary: await glossary(context.workspaceId, given.to),
		signal: context.signal,
		answered: (answer) => answers.push(answer),
		onProgress: (percent) => context.progress((most = Math.max(most, percent * 0.2))),
	});
	const rules = { language: given.to, maxLineChars: wide ? 16 : 42, maxLines: 2, maxCharsPerSecond: SPEECH_RATE[wide ? 'wide' : 'latin'] };
	const { cues, warnings } = await translateSubtitles(translation, found, rules, context.signal);
	const left = warnings.filter(({ kind }) => kind === 'untranslated').length;
	return { cues, notes: [...found.notes, ...(left > 0 ? [`${left} ${left === 1 ? 'subtitle' : 'subtitles'} could not be translated and ${left === 1 ? 'is' : 'are'} spoken as in the original.`] : [])] };
}

/** Notes, [laughs], (music), and what they are in between in Chinese and Japanese. */
const UNSPOKEN = /\[[^[\]]*\]|\([^()]*\)|（[^（）]*）|［[^［］]*］|【[^【】]*】|[♪♫#]/gu;

/** Whole sentences sound better than single subtitles; what cannot be said (emoji, notes, [laughs]) is left out. */
const linesOf = (cues: SubtitlesFound['cues'], language: string): Line[] =>
	unitsOf(cues, language).flatMap((unit): Line[] => {
		const text = unit.text
			.replace(UNSPOKEN, ' ')
			.replace(/(?:\p{Extended_Pictographic}|\p{Regional_Indicator})(?:\ufe0f|\u200d|\p{Emoji_Modifier})*|[\u200e\u200f]/gu, '')
			.replace(/\s+/g, ' ')
			.trim();
		const [first, last] = [cues[unit.cues[0] ?? 0], cues[unit.cues.at(-1) ?? 0]];
		if (!/[\p{L}\p{N}]/u.test(text) || !first || !last) return [];
		if (unit.line === undefined) return [{ text, start: first.start / 1000, end: last.end / 1000 }];
		// All lines of a dialogue have the same time: each gets its part.
		const part = (first.end - first.start) / 1000 / first.lines.length;
		const start = first.start / 1000 + unit.line * part;
		return [{ text, start, end: start + part }];
	});

/** The language that is spoken, where it is known. */
async function spokenLanguage({ context, given }: Work): Promise<string | undefined> {
	if (given.from) return given.from;
	const { language } = (await context.earlierOutput('transcribe')) ?? {};
	return typeof language === 'string' ? knownLanguage(language) : undefined;
}

/** The service translates, speaks with the voices of the original, and mixes. */
async function byService(work: Work): Promise<Made> {
	const { context, given, source, dubber, answers } = work;
	if (!source.facts.audio) throw new PipelineError('input_no_audio', 'This file has no sound, so there is nothing to dub.');
	const from = await spokenLanguage(work);
	if (from === given.to) throw new PipelineError('invalid_request', `${languageName(given.to)} is what is spoken already. Choose another language in \`to\`, or correct \`from\`.`, { details: { field: 'params.to' } });
	const sound = await context.step('audio', () => runPlan(work, source, speechPlan(source.facts), [0, 10]));
	const [audio] = sound.files;
	if (!audio) throw new PipelineError('processing_failed', 'The sound of this file could not be extracted.');
	const made = await context.step('dub', () =>
		dubber.dub({
			audioPath: audio.path,
			durationSeconds: source.facts.durationSeconds,
			// Ids are not told to others.
			key: createHash('sha256').update(context.jobId).digest('hex').slice(0, 32),
			again: context.attempt > 1,
			from,
			to: given.to,
			path: `${context.workDir}/service`,
			signal: context.signal,
			onProgress: (percent) => context.progress(10 + percent * 0.6),
		}),
	);
	answers.push(made);
	const finished = await finish(work, { path: made.path, facts: await probe(made.path) }, true);
	return {
		...finished,
		cpuSeconds: finished.cpuSeconds + sound.cpuSeconds,
		output: { engine: 'dubbing', ...finished.output, warnings: [] },
		notes: [
			...(given.mode === 'over' ? ['The dubbing service keeps music and noises, and replaces the speech: the original voices are not heard beneath.'] : []),
			...(given.voice === undefined ? [] : ['The dubbing service speaks with the voices of the original: `voice` was not used.']),
			...(given.subtitles === undefined ? [] : ['The dubbing service listens for itself: `subtitles` were not used.']),
		],
	};
}

/** Good enough for cloning voices, and small: an hour is 58 MB. It begins with the picture, and pauses in the stream stay pauses. */
const speechPlan = (facts: MediaFacts): MediaPlan => ({
	estimatedCpuSeconds: 0.5 + facts.durationSeconds * 0.02,
	outputs: [
		{
			name: 'speech.mp3',
			kind: 'audio',
			mime: 'audio/mpeg',
			audioFilters: ['aresample=44100:async=1:first_pts=0'],
			options: ['-ac', '2', '-c:a', 'libmp3lame', '-b:a', '128k', '-map_metadata', '-1'],
			expectedSeconds: 0,
		},
	],
});

/** Voice and original are brought to the target loudness each, then mixed. */
async function finish(work: Work, track: OpenedMedia, finished: boolean): Promise<Omit<Made, 'notes'>> {
	const { context, given, source } = work;
	return context.step('mix', async () => {
		const voice = await runPlan(work, track, measurePlan(track.facts, !finished), [70, 75]);
		const heard = source.facts.audio && given.mode === 'over' && !finished ? await runPlan(work, source, measurePlan(source.facts, false), [75, 80]) : null;
		const mix: Mix = {
			language: given.to,
			mode: given.mode,
			voiceGain: gainTo(given.target_lufs, readLoudness(voice.texts['loudness.txt'] ?? '')),
			originalGain: heard ? gainTo(given.target_lufs, readLoudness(heard.texts['loudness.txt'] ?? ''), true) : 0,
			keepOriginal: given.keep_original,
			finished,
		};
		const result = await runPlan(work, source, mixPlan(source.facts, mix), [80, 100], [track]);
		const [text] = Object.entries(result.texts).filter(([name]) => name.startsWith(`${RESULT}.`)).map(([, content]) => content);
		return {
			result,
			output: { loudness: loudnessFields(readLoudness(text ?? '')) },
			cpuSeconds: voice.cpuSeconds + (heard?.cpuSeconds ?? 0) + result.cpuSeconds,
		};
	});
}

function runPlan({ context, engine }: Work, on: OpenedMedia, plan: MediaPlan, [from, to]: readonly [number, number], inputs: OpenedMedia[] = []): Promise<PlanResult> {
	return engine.runPlan({
		inputPath: on.path,
		facts: on.facts,
		plan,
		inputs,
		workDir: context.workDir,
		signal: context.signal,
		onProgress: (percent) => context.progress(from + ((to - from) * percent) / 100),
		log: context.log,
	});
}
