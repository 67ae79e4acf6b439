import { z } from 'zod';
import type { Ai } from '../../ai/ai.ts';
import { addUsage } from '../../ai/provider.ts';
import type { Database } from '../../db/database.ts';
import { labelBoosts, labelsTakenAway, wordsOf } from '../../db/feedback.ts';
import { replaceEntries, rewriteEntries, type NewEntry } from '../../db/search.ts';
import { transact } from '../../db/transact.ts';
import { PipelineError } from '../../errors.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';
import { createCorrector, type WordCorrection } from './correct-words.ts';
import type { Engine } from './engine.ts';
import { addImageVectors, addTextVectors } from './entry-vectors.ts';
import { describeFrames, frameEntries, withoutLabel } from './index-frames.ts';
import { indexMetadata, isCurrent, metadataEntry, type TellLanguage } from './index-metadata.ts';
import { toPassages } from './passages.ts';
import { sampleFrames } from './sample-frames.ts';
import { readCues, SUBTITLE_SOURCES, type SubtitlesFound } from './subtitle-source.ts';

const params = z.strictObject({
	frames: z.number().int().min(0).max(60).default(12).describe('Pictures of a video that are looked at, spread over its scenes; 0: what is seen cannot be found.'),
	describe: z.boolean().default(true).describe('Whether what is seen is put into words: descriptions (where a provider for them is configured), names of things, text in the picture. Without it, pictures are only compared with pictures.'),
});
type Params = z.infer<typeof params>;

export type { TellLanguage } from './index-metadata.ts';

export interface IndexAssetDeps {
	ai: Pick<Ai, 'embed' | 'embed_image' | 'describe' | 'label' | 'read_text'>;
	engine: Engine;
	db: Database;
	tellLanguage: TellLanguage;
}

/** Makes an asset findable: what is said in it, what is seen in it, and what it says of itself. */
export function createIndexAsset({ ai, engine, db, tellLanguage }: IndexAssetDeps): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'index_asset',
		version: 1,
		summary: 'Makes an asset findable: passages of its transcript, frames, title, description and tags. Indexing again replaces what was there.',
		buildsOn: [...SUBTITLE_SOURCES, 'analyze', 'caption'],
		accepts: ['video', 'audio', 'image'],
		params,
		produces:
			'`entries` (what can be found: `passages` of the transcript, `frames`, `metadata`), `text_vectors`, `image_vectors`, `language`, `spaces` (models of the vectors), `notes` (what could not be done, and why).',
		example: { frames: 8 },
		// A second per picture (names of things, text, vector), and some 10 ms per passage.
		estimateSeconds: (facts, { frames }) => 2 + (facts?.fileType === 'audio' ? 0 : frames) + (facts?.durationSeconds ?? 60) * 0.01,
		async run(context, given) {
			const { workspaceId, assetId, signal, step } = context;
			if (!assetId) throw new PipelineError('invalid_request', 'asset_id: index_asset needs an asset.');
			const { facts } = await context.source();
			const spoken = await readTranscript(context);
			const heard = toPassages(spoken?.cues ?? []);
			const language = spoken?.language || (await tellLanguage(heard.map(({ text }) => text).join(' '), signal));
			// The transcript may be older than what people said of it.
			const known = await wordsOf(db, workspaceId, { language: language ?? undefined });
			const correct = createCorrector(known);
			const said = heard.map((passage) => ({ ...passage, text: correct(passage.text).text }));
			const passages = said.map((passage): NewEntry => ({ kind: 'transcript', startSeconds: passage.start, endSeconds: passage.end, text: passage.text, language, vectors: [] }));

			const { pictures, cpuSeconds } = given.frames > 0 ? await step('frames', () => sampleFrames(context, engine, { most: facts.fileType === 'image' ? Math.min(4, given.frames) : given.frames })) : { pictures: [], cpuSeconds: 0 };
			const opinions = { boosts: await labelBoosts(db, workspaceId), takenAway: await labelsTakenAway(db, workspaceId, assetId) };
			const seen = given.describe
				? await step('describe', () => describeFrames(ai, pictures, opinions, signal, (percent) => context.progress(30 + percent * 0.4)))
				: { texts: [], usage: {}, notes: [] };
			const frames = frameEntries(pictures, seen.texts, facts);
			const about = await metadataEntry(db, { id: assetId, workspaceId }, (text) => tellLanguage(text, signal));
			context.progress(70);

			const entries = [...passages, ...frames, ...about];
			const ofTexts = await step('text vectors', () => addTextVectors(db, ai.embed, entries, signal));
			context.progress(85);
			const ofPictures = await step('image vectors', () => addImageVectors(db, ai.embed_image, frames, pictures, signal));
			// A picture of which nothing can be said or compared cannot be found.
			const findable = entries.filter(({ text, vectors }) => text !== '' || vectors.length > 0);
			signal.throwIfAborted();
			const asset = { id: assetId, workspaceId };
			await step('store', () => replaceEntries(db, asset, findable));
			// What people said while this went on.
			const late = (await isCurrent(db, asset, about)) ? null : await indexMetadata({ db, embedder: ai.embed, tellLanguage }, asset, signal);
			signal.throwIfAborted();
			const correctAgain = createCorrector(newsSince(known, await wordsOf(db, workspaceId, { language: language ?? undefined })));
			const gone = [...(await labelsTakenAway(db, workspaceId, assetId))].filter((label) => !opinions.takenAway.has(label));
			await transact(db, async (tx) => {
				await rewriteEntries(tx, asset, 'transcript', (text) => correctAgain(text).text);
				if (gone.length > 0) await rewriteEntries(tx, asset, 'frame', (text) => gone.reduce(withoutLabel, text));
			});
			return {
				output: {
					entries: { passages: passages.length, frames: findable.filter(({ kind }) => kind === 'frame').length, metadata: about.length },
					text_vectors: ofTexts.count,
					image_vectors: ofPictures.count,
					language,
					spaces: [...new Set(findable.flatMap(({ vectors }) => vectors.map(({ space }) => space)))],
					notes: [...new Set([...(spoken ? [] : NO_TRANSCRIPT[facts.audio ? 'heard' : 'silent']), ...seen.notes, ...ofTexts.notes, ...ofPictures.notes, ...(late?.notes ?? [])])],
				},
				cost: { ...addUsage(seen.usage, ofTexts.usage, ofPictures.usage, late?.usage ?? {}), cpu_seconds: cpuSeconds },
			};
		},
	};
}

const NO_TRANSCRIPT = { heard: ['There is no transcript yet: what is said cannot be found. Run transcribe first, then index_asset again.'], silent: [] };

const newsSince = (before: readonly WordCorrection[], now: readonly WordCorrection[]): WordCorrection[] =>
	now.filter(({ wrong, right }) => !before.some((one) => one.wrong === wrong && one.right === right));

/** Null: there is none. */
async function readTranscript(context: TaskContext): Promise<SubtitlesFound | null> {
	try {
		return await readCues(context, {});
	} catch (error) {
		if (error instanceof PipelineError && error.code === 'input_not_found') return null;
		throw error;
	}
}
