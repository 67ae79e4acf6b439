import { open, stat } from 'node:fs/promises';
import { fileTypeFromFile } from 'file-type';
import { PipelineError } from '../errors.ts';
import type { MediaFacts } from './facts.ts';
import { toFacts, type ProbeJson } from './ffprobe-facts.ts';
import { asFileUrl, inputArguments, MAX_ALLOCATION, MAX_PIXELS } from './ffmpeg-input.ts';
import { ACCEPTED_INPUTS, describeUnknown, HEIC_HELP, HEIC_TYPES, INPUT_FORMATS, type InputFormat } from './formats.ts';
import { readMetadata } from './images.ts';
import { declaredEnd } from './cut-off.ts';
import { packetsEnd } from './packets.ts';
import { animationOf, asProbeJson, isAnimatedWebp, isAvif } from './picture-facts.ts';
import { runTool } from './process.ts';

/** ffprobe reads a few MB; a minute is enough on the slowest disk, and ends files made to keep it busy. */
const PROBE_TIMEOUT_MS = 60_000;
export { asFileUrl, inputArguments, MAX_PIXELS };

/**
 * Finds out what a local file is: first its magic number against the list of what we read, then ffprobe with exactly
 * the demuxer that belongs to it and access to files only.
 * Throws `input_not_found`, `input_empty`, `input_not_media`, `input_unsupported`, `input_corrupt`, `input_too_large`, and
 * the reason of `signal`.
 */
export async function probe(path: string, { signal }: { signal?: AbortSignal } = {}): Promise<MediaFacts> {
	const bytes = await sizeOf(path);
	if (bytes === 0)
		throw new PipelineError(
			'input_empty',
			'The file is empty (0 bytes). Check that its upload or download was complete.',
		);
	const { mime, format } = await recognise(path);
	await refuseCutOff(path, bytes, format);
	const metadata = format.bySharp ? await readMetadata(path) : mime === 'image/gif' ? await readMetadata(path).catch(() => null) : null;
	const json = format.bySharp && metadata ? asProbeJson(metadata, mime === 'image/webp' ? 'webp' : 'av1') : await ffprobe(path, format, signal);
	const facts = toFacts(json, { mime, bytes, still: format.still === true });
	if (!facts) {
		throw new PipelineError(
			'input_not_media',
			`The file is ${article(format.label)} file, but it holds neither picture nor sound.`,
		);
	}
	refuseTooManyPixels(facts);
	refuseTooFewSamples(facts);
	const animation = metadata && animationOf(metadata);
	if (animation) facts.animation = animation;
	// Recordings of browsers do not say how long they are.
	if (!format.still && facts.durationSeconds === 0) facts.durationSeconds = await packetsEnd(path, format, { video: true, audio: 'all' }, signal);
	return facts;
}

/** Throws `input_too_large` for pictures that would need too much memory. */
export function refuseTooManyPixels({ video }: MediaFacts): void {
	if (!video || video.width * video.height <= MAX_PIXELS) return;
	throw new PipelineError(
		'input_too_large',
		`The picture has ${video.width} x ${video.height} pixels; at most 8192 x 8192 (67 megapixels) are accepted.`,
		{
			details: { width: video.width, height: video.height, max_pixels: MAX_PIXELS },
		},
	);
}

/** Telephones begin at 8000 a second, the oldest games at 4000. Nothing is heard of less, but hours of it are computed. */
const MIN_SAMPLE_RATE = 1000;

function refuseTooFewSamples({ audio }: MediaFacts): void {
	if (!audio || audio.sampleRate === 0 || audio.sampleRate >= MIN_SAMPLE_RATE) return;
	throw new PipelineError(
		'input_unsupported',
		`The sound has ${audio.sampleRate} samples per second; at least ${MIN_SAMPLE_RATE} are needed to hear anything. Export it again, with 44100 or 48000.`,
		{ details: { sample_rate: audio.sampleRate, min_sample_rate: MIN_SAMPLE_RATE } },
	);
}

/** What to throw when work was aborted: the reason where it is one of ours, else `cancelled`. */
export function abortError({ reason }: AbortSignal): PipelineError {
	return reason instanceof PipelineError
		? reason
		: new PipelineError('cancelled', 'The work was cancelled.', { cause: reason });
}

async function sizeOf(path: string): Promise<number> {
	const found = await stat(path).catch(() => null);
	if (!found) throw new PipelineError('input_not_found', 'The media file is not there any more. Ingest it again.');
	if (!found.isFile()) throw new PipelineError('input_not_media', 'This is not a file.');
	return found.size;
}

/** Not media in any case; their first bytes say more than their type does. */
const TEXT_TYPES = /^(text\/|application\/(xml|json|rtf|x-mpegurl))|^image\/svg|\+xml$/;

async function recognise(path: string): Promise<{ mime: string; format: InputFormat }> {
	// A file that breaks off inside its header is not an error of the sidecar.
	const found = await fileTypeFromFile(path).catch(() => undefined);
	if (!found || TEXT_TYPES.test(found.mime)) {
		throw new PipelineError(
			'input_not_media',
			`This is not a media file: it looks like ${describeUnknown(await headOf(path))}. Accepted are ${ACCEPTED_INPUTS}.`,
		);
	}
	const mime = HEIC_TYPES.has(found.mime) && isAvif(await headOf(path)) ? 'image/avif' : found.mime;
	const format = INPUT_FORMATS[mime];
	if (format && mime === 'image/webp' && isAnimatedWebp(await headOf(path))) return { mime, format: { ...format, bySharp: true } };
	if (format) return { mime, format };
	if (HEIC_TYPES.has(mime)) throw new PipelineError('input_unsupported', HEIC_HELP, { details: { mime } });
	const code = /^(video|audio|image)\//.test(found.mime) ? 'input_unsupported' : 'input_not_media';
	throw new PipelineError(
		code,
		`Files of the type ${found.mime} (.${found.ext}) cannot be processed. Accepted are ${ACCEPTED_INPUTS}.`,
		{
			details: { mime: found.mime },
		},
	);
}

async function headOf(path: string): Promise<Uint8Array> {
	const file = await open(path);
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
		return buffer.subarray(0, bytesRead);
	} finally {
		await file.close();
	}
}

async function refuseCutOff(path: string, bytes: number, format: InputFormat): Promise<void> {
	const expected = await declaredEnd(path, bytes, format.demuxer);
	if (expected <= bytes) return;
	throw new PipelineError(
		'input_corrupt',
		`The ${format.label} file is cut off: it has ${bytes} bytes of at least ${expected}. Upload or download it again.`,
		{
			details: { bytes, expected_bytes: expected },
		},
	);
}

async function ffprobe(path: string, format: InputFormat, signal: AbortSignal | undefined): Promise<ProbeJson> {
	const result = await runTool(
		'ffprobe',
		[
			...['-v', 'error', ...MAX_ALLOCATION, '-of', 'json', '-show_format', '-show_streams', ...inputArguments(format.demuxer)],
			// The orientation of a still is a property of its (only) frame.
			...(format.still ? ['-show_frames', '-read_intervals', '%+#1'] : []),
			...['-i', asFileUrl(path)],
		],
		{ timeoutMs: PROBE_TIMEOUT_MS, ...(signal ? { signal } : {}) },
	).catch((error: unknown) => {
		if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
			throw new PipelineError(
				'processing_failed',
				'ffprobe is not installed on the machine of the sidecar. It comes with ffmpeg.',
				{ cause: error },
			);
		}
		throw error;
	});
	if (result.code === 0) {
		const json = JSON.parse(result.stdout) as ProbeJson;
		// ffprobe is content with a picture whose header it could not make sense of.
		if (!hasUnreadableVideo(json)) return json;
	}
	throw explainProbeFailure(result.stderr, result.stopped !== null, format);
}

const hasUnreadableVideo = (json: ProbeJson): boolean =>
	(json.streams ?? []).some(
		(stream) => stream.codec_type === 'video' && !stream.disposition?.attached_pic && (!stream.width || !stream.pix_fmt),
	);

function explainProbeFailure(stderr: string, stopped: boolean, format: InputFormat): PipelineError {
	const cause = new Error(stderr);
	if (stopped)
		return new PipelineError(
			'input_corrupt',
			`The ${format.label} file could not be analysed within ${PROBE_TIMEOUT_MS / 1000} s. It is damaged, or made to be unreadable.`,
			{ cause },
		);
	if (/moov atom not found/.test(stderr)) {
		return new PipelineError(
			'input_corrupt',
			`The ${format.label} file is cut off: its index (moov) is missing. The recording or the upload was interrupted; upload it again.`,
			{ cause },
		);
	}
	if (/Picture size .* is invalid|exceeds specified max/i.test(stderr) && !/Picture size (0x\d+|\d+x0) /.test(stderr)) {
		return new PipelineError(
			'input_too_large',
			'The picture claims more pixels than are accepted (8192 x 8192, 67 megapixels).',
			{ cause },
		);
	}
	return new PipelineError(
		'input_corrupt',
		`The file begins like ${article(format.label)} file, but its content is damaged and cannot be read. Upload or export it again.`,
		{ cause },
	);
}

const article = (label: string): string => (/^(A|M[^a-z]|F[^a-z])/.test(label) ? `an ${label}` : `a ${label}`);
