import { aac, estimate, hasAlpha, stereo } from './codecs.ts';
import { kindsOf, type MediaFacts } from './facts.ts';
import { evenDown, type Size } from './geometry.ts';
import { isReadyAudio, isReadyVideo, mp4Plan } from './mp4.ts';
import { formatOf, type PictureFormat } from './picture-formats.ts';
import type { MediaPlan } from './plan.ts';

/** What is made of an original so that every browser can show it and every operation reads it fast (I7). Pure. */
export type Mezzanine =
	/** `unlessIndexFirst`: where the index stands at the start already, the original is as good as what would be made. */
	| { kind: 'media'; name: string; plan: MediaPlan; unlessIndexFirst: boolean }
	| { kind: 'picture'; format: PictureFormat; quality: number }
	/** The original is good as it is, or cannot be replaced without loss. */
	| { kind: 'none'; reason: string };

/** What x264 at 18 loses is not seen, also after it is encoded once more. */
const CRF = 18;
const SOUND_KBPS = 256;
/** UHD-1: 3840 x 2160, whichever way it is held. H.264 decoders of phones end there (level 5.1). */
const LONG_SIDE = 3840;
const SHORT_SIDE = 2160;
/** All browsers play these. */
const PLAYED_SOUND = /^(aac|mp3|opus|vorbis|flac)$/;
const PICTURE_QUALITY: Readonly<Partial<Record<PictureFormat, number>>> = { jpeg: 92, webp: 90 };

/** The size of the original, or the largest one within 4K of the same shape, in even pixels. */
export function withinUhd({ width, height }: Size): Size {
	const scale = Math.min(1, LONG_SIDE / Math.max(width, height), SHORT_SIDE / Math.min(width, height));
	return { width: evenDown(width * scale), height: evenDown(height * scale) };
}

/** @param orientation of a picture, as EXIF counts: 1 is upright. `foreignColours`: not sRGB with 8 bits. */
export function mezzanineOf(facts: MediaFacts, picture: { orientation: number; foreignColours: boolean; frames: number; alpha: boolean } | null): Mezzanine {
	if (facts.fileType === 'image' || kindsOf(facts).includes('image')) return pictureOf(facts, picture);
	return facts.fileType === 'audio' ? soundOf(facts) : videoOf(facts);
}

function videoOf(facts: MediaFacts): Mezzanine {
	const { video, audio } = facts;
	if (!video) return { kind: 'none', reason: 'It has no picture.' };
	if (hasAlpha(video)) return { kind: 'none', reason: 'It is transparent, which H.264 cannot be.' };
	const size = withinUhd(video);
	const copyVideo = isReadyVideo(facts, video) && size.width === video.width && size.height === video.height && !video.variableFrameRate;
	const copyAudio = audio !== null && isReadyAudio(facts, audio);
	const plan = mp4Plan(facts, video, { name: 'master.mp4', size, crf: CRF, audioKbps: SOUND_KBPS, copyVideo, copyAudio }, 'The original already complies');
	return { kind: 'media', name: 'master.mp4', plan, unlessIndexFirst: copyVideo && (audio === null || copyAudio) && facts.mime === 'video/mp4' };
}

function soundOf(facts: MediaFacts): Mezzanine {
	const { audio } = facts;
	if (!audio || PLAYED_SOUND.test(audio.codec)) return { kind: 'none', reason: 'Every browser plays it as it is.' };
	const plan: MediaPlan = {
		outputs: [{ name: 'master.m4a', kind: 'audio', mime: 'audio/mp4', options: ['-vn', ...aac(audio, SOUND_KBPS), ...stereo(audio), '-movflags', '+faststart'], expectedSeconds: facts.durationSeconds }],
		estimatedCpuSeconds: estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: true }),
	};
	return { kind: 'media', name: 'master.m4a', plan, unlessIndexFirst: false };
}

function pictureOf(facts: MediaFacts, picture: { orientation: number; foreignColours: boolean; frames: number; alpha: boolean } | null): Mezzanine {
	if (!picture || picture.frames > 1 || facts.fileType !== 'image') return { kind: 'none', reason: 'Animations stay as they are.' };
	const own = formatOf(facts.mime);
	if (own && picture.orientation === 1 && !picture.foreignColours) return { kind: 'none', reason: 'Every browser shows it as it is.' };
	// TIFF and BMP have no counterpart; AVIF takes too long to write again.
	const format: PictureFormat = own && own !== 'avif' && own !== 'gif' ? own : picture.alpha ? 'webp' : 'jpeg';
	return { kind: 'picture', format, quality: PICTURE_QUALITY[format] ?? 100 };
}
