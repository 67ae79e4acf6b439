import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import { PipelineError } from '../errors.ts';
import type { MediaFacts } from './facts.ts';
import { asFileUrl, inputArguments, MAX_PIXELS } from './ffmpeg-input.ts';
import { DEFAULT_QUALITY, mayHold, PICTURE_FORMATS, refuseHeavy, type Encoding } from './picture-formats.ts';
import type { ProducedFile } from './plan.ts';
import { runTool } from './process.ts';

/**
 * The only place that gives pictures to sharp: with limits, upright, in sRGB. All that is decided about pictures is decided
 * elsewhere, in pure functions.
 */

// Pictures are seen once: a cache of them would only hold memory. `sharp.concurrency` is left alone: it is 1 where glibc's
// allocator would fragment, and the number of cores elsewhere.
sharp.cache(false);
// Of all that libvips reads, these are what the probe lets in. SVG and PDF in particular can name other files.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((loader) => `VipsForeignLoad${loader}`) });

/** All frames of an animation count together: libvips holds them as one tall picture. 134 megapixels are 540 MB. */
export const MAX_ANIMATION_PIXELS = 2 * MAX_PIXELS;
/** A minute of 30 pictures a second. What is longer is a film. */
export const MAX_FRAMES = 1800;
/** One step (decode, change, encode). The slowest allowed, 67 megapixels to AVIF, takes about 20 s of CPU. */
const STEP_TIMEOUT_SECONDS = 180;
const BMP_TIMEOUT_MS = 60_000;

/** Where pictures are worked on; what is left in `workDir` is removed with the job. */
export interface PictureWork {
	workDir: string;
	signal: AbortSignal;
}

/** A picture that can be read, and what sharp says of it. */
export interface Picture {
	/** As shown, of one frame. */
	width: number;
	height: number;
	mime: string;
	bytes: number;
	path: string;
	alpha: boolean;
	/** 1 for a still. */
	frames: number;
	/** EXIF: 1 is upright. */
	orientation: number;
	/** Its colours are not those of sRGB with 8 bits: another profile, CMYK, 16 bits. */
	foreignColours: boolean;
	/** A fresh chain of steps, upright. `still`: only the first frame; `frame`: only that one, from 0. */
	open(options?: { still?: boolean; frame?: number }): Sharp;
}

const LIMITS: SharpOptions = {
	limitInputPixels: MAX_PIXELS,
	// CMYK with transparency and a spot colour; files may claim thousands.
	limitInputChannels: 6,
	unlimited: false,
	sequentialRead: true,
	// Cut off or broken is an error, as the result would be half grey. Oddities that every browser forgives are none.
	failOn: 'error',
};

/** Opens a picture for reading. Throws `input_too_large`, `input_corrupt`, `input_unsupported`. */
export async function openPicture(media: { path: string; facts: MediaFacts }, work: PictureWork): Promise<Picture> {
	const { facts } = media;
	if (!facts.mime.startsWith('image/')) {
		throw new PipelineError('input_unsupported', `A picture is needed; this is ${facts.fileType} (${facts.mime}). To take a picture out of a video, use the operation thumbnail.`);
	}
	const path = facts.mime === 'image/bmp' ? await bmpAsPng(media.path, work) : media.path;
	return describePicture(path, await readMetadata(path), facts);
}

function describePicture(path: string, metadata: Metadata, { mime, bytes }: Pick<MediaFacts, 'mime' | 'bytes'>): Picture {
	const { width, height } = metadata.autoOrient;
	// Pages of a TIFF and of an AVIF are not moments of a film.
	const frames = metadata.delay ? Math.max(1, metadata.pages ?? 1) : 1;
	refuseTooMuch(width, height, frames);
	const animated = frames > 1;
	return {
		width,
		height,
		mime,
		bytes,
		path,
		alpha: metadata.hasAlpha,
		frames,
		orientation: metadata.orientation ?? 1,
		foreignColours: metadata.hasProfile || metadata.depth !== 'uchar' || !['srgb', 'b-w'].includes(metadata.space),
		open: ({ still = false, frame } = {}) => {
			const all = animated && !still && frame === undefined;
			const page = animated && frame !== undefined ? { page: frame } : {};
			const input = sharp(path, { ...LIMITS, limitInputPixels: all ? MAX_ANIMATION_PIXELS : MAX_PIXELS, animated: all, ...page });
			// Animations carry no orientation that anything heeds, and sharp turns no frames.
			return (animated ? input : input.autoOrient()).timeout({ seconds: STEP_TIMEOUT_SECONDS });
		},
	};
}

/** Width, height, frames … without decoding. */
export async function readMetadata(path: string): Promise<Metadata> {
	return guarded(sharp(path, { ...LIMITS, limitInputPixels: false }).metadata());
}

/** Throws `input_too_large`. */
export function refuseTooMuch(width: number, height: number, frames: number): void {
	const details = { width, height, frames, max_pixels: MAX_PIXELS };
	if (width * height > MAX_PIXELS)
		throw new PipelineError('input_too_large', `The picture has ${width} x ${height} pixels; at most 8192 x 8192 (67 megapixels) are accepted.`, { details });
	if (frames <= MAX_FRAMES && width * height * frames <= MAX_ANIMATION_PIXELS) return;
	throw new PipelineError(
		'input_too_large',
		`The animation has ${frames} frames of ${width} x ${height} pixels; at most ${MAX_FRAMES} frames and ${Math.floor(MAX_ANIMATION_PIXELS / 1e6)} megapixels in all are accepted. A GIF can be made a video instead: use the operation compress or convert.`,
		{ details: { ...details, max_frames: MAX_FRAMES, max_animation_pixels: MAX_ANIMATION_PIXELS } },
	);
}

/** libvips cannot read BMP; ffmpeg can. */
async function bmpAsPng(path: string, { workDir, signal }: PictureWork): Promise<string> {
	const png = join(workDir, `bmp-${crypto.randomUUID()}.png`);
	const output = ['-frames:v', '1', '-update', '1', '-c:v', 'png', '-f', 'image2', png];
	const result = await runTool('ffmpeg', ['-nostdin', '-y', '-v', 'error', ...inputArguments('bmp_pipe'), '-i', asFileUrl(path), ...output], {
		timeoutMs: BMP_TIMEOUT_MS,
		signal,
	});
	if (result.code !== 0) throw corrupt(new Error(result.stderr));
	return png;
}

/** Applies the options of a format. Transparency becomes white where the format has none. */
export function encode(chain: Sharp, encoding: Encoding): Sharp {
	const { format, quality = DEFAULT_QUALITY[encoding.format], lossless = false } = encoding;
	switch (format) {
		case 'jpeg':
			return chain.flatten({ background: '#ffffff' }).jpeg({ quality, optimiseCoding: mayHold(encoding) });
		case 'png':
			return chain.png();
		case 'webp':
			return chain.webp({ quality, lossless });
		case 'avif':
			// Effort 4, the default, takes ten times as long as 3 for files as large (12 megapixels, libaom 3.15).
			return chain.avif({ quality, lossless, effort: 3 });
		case 'gif':
			return chain.gif();
	}
}

export interface WrittenPicture extends ProducedFile {
	bytes: number;
	width: number;
	height: number;
	frames: number;
}

/** Runs a chain and writes its result as `<base>.<extension>` into the scratch folder. Throws what `refuseHeavy` throws, too. */
export async function writePicture(chain: Sharp, encoding: Encoding, base: string, { workDir, signal }: PictureWork): Promise<WrittenPicture> {
	signal.throwIfAborted();
	refuseHeavy(encoding);
	const { extension, mime } = PICTURE_FORMATS[encoding.format];
	const name = `${base}.${extension}`;
	const path = join(workDir, name);
	const info = await guarded(encode(chain, encoding).toFile(`${path}.part`));
	signal.throwIfAborted();
	await rename(`${path}.part`, path);
	const { size: bytes } = await stat(path);
	return { name, path, mime, width: info.width, height: info.pageHeight ?? info.height, bytes, frames: info.pages ?? 1 };
}

/** Pixels in memory; for small pictures only. */
export interface Pixels {
	data: Buffer;
	width: number;
	height: number;
	channels: 3 | 4;
}

/** The pixels of a chain as 8-bit sRGB with transparency. */
export async function readPixels(chain: Sharp, { signal }: PictureWork): Promise<Pixels & { channels: 4 }> {
	signal.throwIfAborted();
	const { data, info } = await guarded(chain.toColourspace('srgb').ensureAlpha().raw().toBuffer({ resolveWithObject: true }));
	signal.throwIfAborted();
	return { data, width: info.width, height: info.height, channels: 4 };
}

/** Pixels, or an empty canvas, as the beginning of a chain. */
export const fromPixels = ({ data, width, height, channels }: Pixels): Sharp => sharp(data, { raw: { width, height, channels }, ...LIMITS });
export const canvas = (width: number, height: number, background: string | { r: number; g: number; b: number; alpha: number }): Sharp =>
	sharp({ create: { width, height, channels: 4, background }, limitInputPixels: MAX_PIXELS }).timeout({ seconds: STEP_TIMEOUT_SECONDS });

const corrupt = (cause: unknown): PipelineError =>
	new PipelineError('input_corrupt', 'The picture is damaged or cut off and cannot be read to its end. Upload or export it again.', { cause });

async function guarded<T>(work: Promise<T>): Promise<T> {
	return work.catch((error: unknown) => {
		throw explainSharp(error);
	});
}

/** sharp's errors have no codes, only texts of libvips and of the libraries below it. */
export function explainSharp(error: unknown): PipelineError {
	if (error instanceof PipelineError) return error;
	const text = error instanceof Error ? error.message : String(error);
	const options = { cause: error };
	if (/exceeds pixel limit|exceeds channel limit|too many pixels|Security limit|exceeds .*limit/i.test(text))
		return new PipelineError('input_too_large', 'The picture claims more pixels than are accepted (8192 x 8192, 67 megapixels).', options);
	if (/^timeout:/i.test(text))
		return new PipelineError('processing_timeout', `The picture could not be worked on within ${STEP_TIMEOUT_SECONDS} s. Make it smaller, or choose jpeg or webp instead of avif.`, options);
	if (/too large for the (WebP|HEIF|JPEG|GIF)|exceeds .*maximum/i.test(text))
		return new PipelineError('invalid_request', 'The result is larger than its file format can hold (WebP: 16383 pixels a side). Choose a smaller size, or png.', options);
	if (/no space left|ENOSPC/i.test(text)) return new PipelineError('storage_full', 'The disk of the scratch folder is full.', options);
	if (/unsupported image format|Unsupported (codec|feature|compression)|operation is blocked|not supported by this decoder|no known image/i.test(text))
		return new PipelineError('input_unsupported', 'The picture is of a kind that cannot be read. Export it as JPEG or PNG.', options);
	if (/corrupt|premature|truncat|read error|unable to (read|parse|decode)|bad (header|seek)|invalid|not a known|out of order|libpng|VipsJpeg|VipsForeignLoad|heif|webp2?:|tiff2|gif(load)?:|pngload|unable to write to target/i.test(text)) return corrupt(error);
	return new PipelineError('processing_failed', 'The picture could not be worked on. The log of the sidecar has the words of the library.', options);
}
