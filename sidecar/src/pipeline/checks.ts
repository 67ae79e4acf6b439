import type { z } from 'zod';
import type { checksSchema } from '../contract/workspace.ts';
import type { ErrorCode } from '../errors.ts';
import { kindsOf, type MediaFacts } from '../media/facts.ts';

export type Checks = z.infer<typeof checksSchema>;

/** What is wrong with a file, for the person who must act. */
export interface Problem {
	code: ErrorCode;
	/** The setting that says so, e.g. `checks.max_duration_seconds`, or `type`. */
	rule: string;
	found: string | number;
	allowed: string | number;
	message: string;
}

/** What others said of a file before anybody looked. */
export interface Claim {
	/** `mime_type` of an upload, Content-Type of a download; null: nothing. */
	mime: string | null;
	/** Name it came with. */
	fileName: string | null;
}

type Kind = MediaFacts['fileType'];

/** The same thing by other names: claims, and lists that people write, use all of them. */
const ALIASES: Readonly<Record<string, string>> = {
	'video/x-matroska': 'video/matroska',
	'video/x-msvideo': 'video/vnd.avi',
	'video/avi': 'video/vnd.avi',
	'video/msvideo': 'video/vnd.avi',
	'video/x-ms-wmv': 'video/x-ms-asf',
	'application/vnd.ms-asf': 'video/x-ms-asf',
	'video/mp1s': 'video/mpeg',
	'video/mp2p': 'video/mpeg',
	'application/mp4': 'video/mp4',
	'application/ogg': 'video/ogg',
	'audio/x-m4a': 'audio/mp4',
	'audio/m4a': 'audio/mp4',
	'audio/mp3': 'audio/mpeg',
	'audio/x-wav': 'audio/wav',
	'audio/wave': 'audio/wav',
	'audio/vnd.wave': 'audio/wav',
	'audio/x-flac': 'audio/flac',
	'audio/x-aac': 'audio/aac',
	'audio/x-aiff': 'audio/aiff',
	'audio/opus': 'audio/ogg',
	'image/jpg': 'image/jpeg',
	'image/pjpeg': 'image/jpeg',
	'image/x-ms-bmp': 'image/bmp',
	'image/apng': 'image/png',
};

/** Lower case, without parameters, by its usual name. */
export function plainMime(mime: string): string {
	const plain = (mime.split(';')[0] ?? '').trim().toLowerCase();
	return ALIASES[plain] ?? plain;
}

/** Extensions that name a kind of media. All others say nothing: links end in `.php` whatever they deliver. */
const EXTENSIONS: Readonly<Record<Kind, RegExp>> = {
	video: /^(mp4|m4v|mov|qt|mkv|avi|wmv|flv|mpe?g|m2ts|3gp|3g2|ogv)$/,
	audio: /^(mp3|m4a|aac|wav|flac|oga|opus|aiff?|amr|caf|wma)$/,
	image: /^(jpe?g|jpe|png|apng|gif|webp|avif|tiff?|bmp|heic|heif)$/,
};

/** Containers of moving pictures that people also use for sound alone. */
const CARRIES_SOUND_ALONE = /^(video|application)\/(mp4|quicktime|webm|matroska|ogg|x-ms-asf|3gpp2?|x-m4v)$/;

const kindOfMime = (mime: string): Kind | null => (/^(video|audio|image)\//.exec(plainMime(mime))?.[1] as Kind | undefined) ?? null;
const extensionOf = (name: string): string => /\.([a-z0-9]{1,8})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
const kindOfName = (name: string): Kind | null => (Object.keys(EXTENSIONS) as Kind[]).find((kind) => EXTENSIONS[kind].test(extensionOf(name))) ?? null;

const NAMES: Readonly<Record<Kind, string>> = { video: 'a video', audio: 'sound', image: 'a picture' };

/**
 * Compares what was claimed with what the content says. A wrong kind is refused: whoever sends a video as a picture is mistaken, or wants to
 * get something past somebody. What only differs in the container is put right, and noted.
 */
export function checkClaim({ mime, fileName }: Claim, facts: Pick<MediaFacts, 'mime' | 'fileType'>): { problem: Problem | null; warning: string | null } {
	const found = plainMime(facts.mime);
	const kinds = kindsOf(facts);
	const lies = (claimed: Kind | null, word: string): Problem | null => {
		if (claimed === null || kinds.includes(claimed)) return null;
		// A recording without a picture is still in a container for video.
		if (claimed === 'video' && facts.fileType === 'audio' && (CARRIES_SOUND_ALONE.test(found) || found === 'audio/mp4' || found === 'audio/ogg')) return null;
		return {
			code: 'input_unsupported',
			rule: 'type',
			found: facts.mime,
			allowed: word,
			message: `The file was sent as ${word}, but its content is ${NAMES[facts.fileType]} (${facts.mime}). Send it with its real type, or check that this is the file you meant.`,
		};
	};
	const claimedKind = mime === null ? null : kindOfMime(mime);
	const problem = (mime !== null && lies(claimedKind, plainMime(mime))) || (fileName !== null && lies(kindOfName(fileName), `.${extensionOf(fileName)}`)) || null;
	if (problem) return { problem, warning: null };
	const claimed = mime === null ? null : plainMime(mime);
	const differs = claimed !== null && claimedKind !== null && claimed !== found && (claimedKind !== facts.fileType || claimed.split('/')[1] !== found.split('/')[1]);
	return { problem: null, warning: differs ? `It was sent as ${claimed}; its content is ${facts.mime}, which is what the sidecar goes by.` : null };
}

/** Whether a list such as `['video/mp4', 'image/*']` has this type. */
export function allowsMime(patterns: readonly string[], mime: string): boolean {
	const plain = plainMime(mime);
	return patterns.some((pattern) => {
		const wanted = pattern.trim().toLowerCase();
		return wanted === '*/*' || wanted === '*' || (wanted.endsWith('/*') ? plain.startsWith(wanted.slice(0, -1)) : plainMime(wanted) === plain);
	});
}

/** Every rule of the workspace that the file breaks, in the order of the settings. */
export function brokenRules(facts: MediaFacts, checks: Checks): Problem[] {
	const { video, audio } = facts;
	const problems: Problem[] = [];
	const moving = facts.fileType === 'video' && !kindsOf(facts).includes('image');
	const add = (code: ErrorCode, setting: keyof Checks, found: string | number, allowed: string | number, message: string): void => {
		problems.push({ code, rule: `checks.${setting}`, found, allowed, message: `${message} (${setting} in the settings of the workspace).` });
	};
	// Sound alone in a container of videos goes by either name.
	const names = facts.fileType === 'audio' && facts.mime.startsWith('video/') ? [facts.mime, facts.mime.replace('video/', 'audio/')] : [facts.mime];
	const { containers, video_codecs: videoCodecs, audio_codecs: audioCodecs } = checks;
	if (containers && !names.some((name) => allowsMime(containers, name))) {
		add('input_unsupported', 'containers', facts.mime, containers.join(', '), `Files of the type ${facts.mime} are not accepted here; allowed are ${listed(containers)}`);
	}
	if (videoCodecs && moving && video && !hasName(videoCodecs, video.codec)) {
		add('input_unsupported', 'video_codecs', video.codec, videoCodecs.join(', '), `The picture is encoded as ${video.codec}; allowed are ${listed(videoCodecs)}`);
	}
	const codecs = audio ? [...new Set([audio.codec, ...audio.tracks.map(({ codec }) => codec)])] : [];
	const foreign = audioCodecs ? codecs.filter((codec) => !hasName(audioCodecs, codec)) : [];
	if (audioCodecs && foreign.length > 0) {
		add('input_unsupported', 'audio_codecs', foreign.join(', '), audioCodecs.join(', '), `The sound is encoded as ${foreign.join(', ')}; allowed are ${listed(audioCodecs)}`);
	}
	if (facts.fileType !== 'image') {
		const seconds = Math.round(facts.durationSeconds * 1000) / 1000;
		const { min_duration_seconds: least, max_duration_seconds: most } = checks;
		if (least !== null && seconds < least) add('input_unsupported', 'min_duration_seconds', seconds, least, `It lasts ${seconds} s; at least ${least} s are required`);
		if (most !== null && seconds > most) add('input_too_large', 'max_duration_seconds', seconds, most, `It lasts ${seconds} s; at most ${most} s are allowed`);
	}
	for (const side of ['width', 'height'] as const) {
		const pixels = video?.[side];
		if (pixels === undefined || facts.fileType === 'audio') continue;
		const [least, most] = [checks[`min_${side}`], checks[`max_${side}`]];
		if (least !== null && pixels < least) add('input_unsupported', `min_${side}`, pixels, least, `Its ${side} is ${pixels} pixels; at least ${least} are required`);
		if (most !== null && pixels > most) add('input_too_large', `max_${side}`, pixels, most, `Its ${side} is ${pixels} pixels; at most ${most} are allowed`);
	}
	if (moving && checks.audio === 'required' && !audio) add('input_no_audio', 'audio', 'none', 'required', 'The video has no sound; videos here must have some');
	if (moving && checks.audio === 'forbidden' && audio) add('input_unsupported', 'audio', audio.codec, 'forbidden', 'The video has sound; videos here must have none');
	return problems;
}

const hasName = (names: readonly string[], name: string): boolean => names.some((allowed) => allowed.trim().toLowerCase() === name.toLowerCase());
/** A long list helps nobody. */
const listed = (names: readonly string[]): string => (names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ')) || 'none';

/**
 * Whether a file of this workspace is scanned. `null`: by the operator (CLAMD set: yes). `false` only counts where the operator lets it
 * (CLAMD_OPTIONAL). `impossible`: it must be, but there is no scanner.
 */
export function mustScan(wanted: Checks['scan'], { configured, optional }: { configured: boolean; optional: boolean }): 'yes' | 'no' | 'impossible' {
	if (!configured) return wanted === true ? 'impossible' : 'no';
	return wanted === false && optional ? 'no' : 'yes';
}
