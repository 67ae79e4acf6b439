import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../errors.ts';
import { FINE_STEP_SECONDS, type TimedHash } from './align.ts';
import type { MediaFacts } from './facts.ts';
import { asFileUrl, inputArguments, MAX_ALLOCATION } from './ffmpeg-input.ts';
import { cpuSecondsOf } from './ffmpeg-output.ts';
import { INPUT_FORMATS } from './formats.ts';
import { explainSharp, openPicture } from './images.ts';
import { HASH_SIDE, pictureHash, type PictureHash } from './picture-hash.ts';
import { runTool } from './process.ts';

/** Reads what media are compared by. */

interface Work {
	workDir: string;
	signal: AbortSignal;
}
interface Media {
	path: string;
	facts: MediaFacts;
}

/** Two hours of film and one of sound: what lies behind is not compared. */
export const MOST_PICTURE_SECONDS = 7200;
export const MOST_SOUND_SECONDS = 3600;
/** Longer films are looked at in larger steps: at most 7200 hashes are compared with those of others. */
const stepOf = (seconds: number): number => (seconds <= 900 ? FINE_STEP_SECONDS : seconds <= 3600 ? 0.5 : 1);
/** Numbers of a sound; fewer different ones are silence, a tone, a hum: alike in all that have it. */
const LEAST_DIFFERENT = 16;
/** Starting ffmpeg on a busy machine, and decoding at a tenth of real time. */
const timeoutMs = (seconds: number): number => (120 + seconds * 10) * 1000;

/** Null: too little in it to tell it from others. Of an animation the first frame. */
export async function hashPicture(media: Media, work: Work): Promise<PictureHash | null> {
	const picture = await openPicture(media, work);
	const grey = await picture
		.open({ still: true })
		.flatten({ background: '#ffffff' })
		.resize(HASH_SIDE, HASH_SIDE, { fit: 'fill' })
		.toColourspace('b-w')
		.raw()
		.toBuffer()
		.catch((error: unknown) => {
			throw explainSharp(error);
		});
	return pictureHash(grey);
}

export type FrameHash = Required<TimedHash> & { mirrored: bigint };

/** The frames of a film that show something: eight a second, two of a long one, one of what is longer than an hour. */
export async function hashFrames({ path, facts }: Media, work: Work): Promise<{ frames: FrameHash[]; cpuSeconds: number }> {
	const seconds = Math.min(facts.durationSeconds, MOST_PICTURE_SECONDS);
	const step = stepOf(seconds);
	const size = HASH_SIDE * HASH_SIDE;
	// `round=up`, `start_time=0`: the first frame is that of 0 s, also where the picture begins a little later.
	const filters = `fps=${1 / step}:start_time=0,scale=${HASH_SIDE}:${HASH_SIDE}:flags=area,format=gray`;
	const { bytes, cpuSeconds } = await read(facts, path, seconds, ['-map', '0:V:0', '-an', '-vf', filters, '-f', 'rawvideo'], work);
	const frames: FrameHash[] = [];
	for (let index = 0; (index + 1) * size <= bytes.length; index++) {
		const hash = pictureHash(bytes.subarray(index * size, (index + 1) * size));
		if (hash) frames.push({ at: index * step, hash: hash.plain, mask: hash.mask, mirrored: hash.mirrored });
	}
	return { frames, cpuSeconds };
}

/**
 * Chromaprint: 32 bits each eighth of a second, signed. Null: nothing that could be told from other sounds. Throws
 * `processing_failed` where this ffmpeg cannot do it.
 */
export async function hashSound({ path, facts }: Media, work: Work): Promise<{ sequence: number[] | null; cpuSeconds: number }> {
	const seconds = Math.min(facts.durationSeconds, MOST_SOUND_SECONDS);
	const output = ['-map', `0:a:${facts.audio?.track ?? 0}`, '-vn', '-ac', '2', '-f', 'chromaprint', '-fp_format', 'raw'];
	const { bytes, cpuSeconds } = await read(facts, path, seconds, output, work);
	const sequence = Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readInt32LE(index * 4));
	return { sequence: new Set(sequence).size < LEAST_DIFFERENT ? null : sequence, cpuSeconds };
}

async function read(facts: MediaFacts, path: string, seconds: number, output: string[], { workDir, signal }: Work): Promise<{ bytes: Buffer; cpuSeconds: number }> {
	const format = INPUT_FORMATS[facts.mime];
	if (!format) throw new PipelineError('input_unsupported', `Files of the type ${facts.mime} cannot be compared.`);
	const target = join(workDir, `fingerprint-${randomUUID()}`);
	try {
		const result = await runTool(
			'ffmpeg',
			[
				...['-hide_banner', '-nostdin', '-y', '-loglevel', 'info', '-nostats', '-benchmark', ...MAX_ALLOCATION],
				...[...inputArguments(format.demuxer), '-i', asFileUrl(path), '-t', seconds.toFixed(3), ...output, asFileUrl(target)],
			],
			{ timeoutMs: timeoutMs(seconds), signal },
		);
		if (result.code !== 0) {
			throw new PipelineError(
				/not a suitable output format|not known/.test(result.stderr) ? 'processing_failed' : 'input_corrupt',
				/not a suitable output format|not known/.test(result.stderr)
					? 'This ffmpeg was built without chromaprint: sounds cannot be compared. Install one that has it (ffmpeg -muxers lists chromaprint).'
					: 'The media could not be read to its end, so it cannot be compared with others. Upload or export it again.',
				{ cause: new Error(result.stderr) },
			);
		}
		return { bytes: await readFile(target), cpuSeconds: cpuSecondsOf(result.stderr) };
	} finally {
		await rm(target, { force: true });
	}
}
