import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { PipelineError } from '../errors.ts';
import type { MediaFacts } from './facts.ts';
import { asFileUrl, inputArguments, MAX_ALLOCATION } from './ffmpeg-input.ts';
import { ProgressReader } from './ffmpeg-output.ts';
import { INPUT_FORMATS } from './formats.ts';
import { openPicture } from './images.ts';
import { adopt, childOptions, Tail, terminate } from './process.ts';

/** Words of ffmpeg that are no damage: sound that was cut without its decoder, times that only a muxer minds, tags behind the sound. */
const HARMLESS = /non monotonically increasing dts|Timestamps are unset|Application provided duration|Header missing|skipping junk|Estimating duration|deprecated pixel format/i;
/** What a decoder says when it cannot make sense of the bytes. Some only conceal, and go on with a grey block. */
const DAMAGE = /error|invalid|corrupt|missing|truncated|concealing|not found|out of range|overread|illegal|damaged|unable|failed|decode_slice|broken/i;

/**
 * Decodes every picture and every sound of a file and throws them away. Throws `input_corrupt` at the first damage, naming the second, and the
 * reason of `signal`. Takes as long as decoding takes: about a minute for an hour of 1080p on four cores.
 */
export async function decodeAll(path: string, facts: MediaFacts, { signal, threads, onProgress }: { signal: AbortSignal; threads?: number | undefined; onProgress(percent: number): void }): Promise<void> {
	const format = INPUT_FORMATS[facts.mime];
	if (!format) return;
	signal.throwIfAborted();
	if (format.bySharp) return decodePicture(path, facts, signal);
	const child = spawn(
		'ffmpeg',
		[
			...['-nostdin', '-hide_banner', '-v', 'error', '-progress', 'pipe:1', '-stats_period', '0.2', ...MAX_ALLOCATION],
			// Checksums are compared, and what does not fit together is an error instead of being repaired.
			...(threads ? ['-threads', String(threads)] : []),
			...['-err_detect', 'crccheck+bitstream+buffer', ...inputArguments(format.demuxer), '-i', asFileUrl(path)],
			...['-map', '0:V?', '-map', '0:a?', '-f', 'null', '-'],
		],
		{ ...childOptions(), stdio: ['ignore', 'pipe', 'pipe'] },
	);
	adopt(child);
	const stop = (): void => void terminate(child);
	signal.addEventListener('abort', stop, { once: true });
	const reader = new ProgressReader();
	const words = new Tail();
	let at = 0;
	let damage: { seconds: number } | null = null;
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		const { seconds } = reader.read(text);
		if (seconds === null || damage) return;
		at = seconds;
		if (facts.durationSeconds > 0) onProgress(Math.min(100, (seconds / facts.durationSeconds) * 100));
	});
	createInterface({ input: child.stderr }).on('line', (line) => {
		words.add(`${line}\n`);
		if (damage || HARMLESS.test(line) || !DAMAGE.test(line)) return;
		damage = { seconds: at };
		stop();
	});
	try {
		const [code] = (await once(child, 'close')) as [number | null];
		signal.throwIfAborted();
		const found = damage as { seconds: number } | null;
		if (!found && code === 0) return;
		// Ended from outside, as Linux does where memory runs out: that says nothing of the media.
		if (!found && code === null) throw new PipelineError('processing_stalled', 'ffmpeg was ended by the operating system while it decoded the media, mostly for want of memory. It is tried again.', { cause: new Error(words.toString()) });
		const seconds = Math.round((found?.seconds ?? at) * 10) / 10;
		const where = facts.fileType === 'image' ? '' : ` at about ${seconds} s`;
		throw damaged(where, facts.fileType === 'image' ? {} : { at_seconds: seconds }, new Error(words.toString()));
	} finally {
		signal.removeEventListener('abort', stop);
	}
}

async function decodePicture(path: string, facts: MediaFacts, signal: AbortSignal): Promise<void> {
	const picture = await openPicture({ path, facts }, { workDir: dirname(path), signal });
	await picture
		.open()
		.stats()
		.catch((error: unknown) => {
			throw damaged('', {}, error);
		});
	signal.throwIfAborted();
}

const damaged = (where: string, details: Record<string, unknown>, cause: unknown): PipelineError =>
	new PipelineError('input_corrupt', `The media is damaged${where}: not everything in it can be decoded (checks.decode in the settings of the workspace). Upload or export it again.`, { details: { rule: 'checks.decode', ...details }, cause });
