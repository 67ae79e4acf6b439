import { bitDepthOf, MAX_TRACKS_LISTED, type AudioFacts, type MediaFacts, type VideoFacts } from './facts.ts';

/** What we read of ffprobe's JSON. Numbers come as text, unknown ones are missing or `N/A`. */
export interface ProbeJson {
	format?: { format_name?: string; duration?: string; bit_rate?: string };
	streams?: ProbeStream[];
	frames?: Array<{ side_data_list?: SideData[] }>;
}
interface SideData {
	rotation?: number;
}
export interface ProbeStream {
	codec_type?: string;
	codec_name?: string;
	profile?: string;
	level?: number;
	width?: number;
	height?: number;
	pix_fmt?: string;
	bits_per_raw_sample?: string;
	field_order?: string;
	color_primaries?: string;
	color_transfer?: string;
	color_space?: string;
	color_range?: string;
	sample_aspect_ratio?: string;
	avg_frame_rate?: string;
	r_frame_rate?: string;
	bit_rate?: string;
	start_time?: string;
	duration?: string;
	nb_frames?: string;
	channels?: number;
	channel_layout?: string;
	sample_rate?: string;
	disposition?: { attached_pic?: number; default?: number };
	tags?: Record<string, string>;
	side_data_list?: SideData[];
}

/** Pure. Null when there is neither a picture nor a sound. */
export function toFacts(
	json: ProbeJson,
	{ mime, bytes, still }: { mime: string; bytes: number; still: boolean },
): MediaFacts | null {
	const streams = json.streams ?? [];
	// A cover picture is no video. The engine maps the same streams: the first V, and the track that is named here.
	const picture = streams.find((stream) => stream.codec_type === 'video' && !stream.disposition?.attached_pic);
	const sounds = streams.filter((stream) => stream.codec_type === 'audio');
	const isStill = still || (mime === 'image/gif' && picture?.nb_frames === '1');
	const length = Math.max(0, [numeric(json.format?.duration), ...streams.map(lengthOf)].find((value) => value !== null) ?? 0);
	const video = picture
		? videoFacts(picture, json.frames?.[0]?.side_data_list ?? picture.side_data_list ?? [], isStill, length)
		: null;
	const audio = isStill ? null : audioFacts(sounds, length);
	if (!video && !audio) return null;
	return {
		mime,
		fileType: isStill ? 'image' : video ? 'video' : 'audio',
		container: json.format?.format_name ?? '',
		bytes,
		durationSeconds: isStill ? 0 : length,
		bitrate: isStill ? null : numeric(json.format?.bit_rate),
		video,
		audio,
	};
}

function videoFacts(stream: ProbeStream, sideData: SideData[], still: boolean, length: number): VideoFacts | null {
	if (!stream.width || !stream.height) return null;
	const rotation = clockwise(sideData.find((data) => data.rotation !== undefined)?.rotation ?? 0);
	const pixelAspect = ratio(stream.sample_aspect_ratio, ':') ?? 1;
	const width = Math.max(1, Math.round(stream.width * pixelAspect));
	const turned = rotation === 90 || rotation === 270;
	// DV says it in every picture, but not in its header.
	const interlaced = !still && (/^(tt|bb|tb|bt)$/.test(stream.field_order ?? '') || stream.codec_name === 'dvvideo');
	const { frameRate, variable } = rates(stream, interlaced);
	const pixelFormat = (hasHiddenAlpha(stream) ? stream.pix_fmt?.replace(/^yuv4/, 'yuva4') : stream.pix_fmt) ?? 'unknown';
	return {
		codec: stream.codec_name ?? 'unknown',
		width: turned ? stream.height : width,
		height: turned ? width : stream.height,
		storedWidth: stream.width,
		storedHeight: stream.height,
		pixelAspect,
		frameRate: still ? 0 : Math.round(frameRate * 1000) / 1000,
		variableFrameRate: !still && variable,
		frameCount: still ? 1 : numeric(stream.nb_frames),
		durationSeconds: still ? 0 : (lengthOf(stream) ?? length),
		startSeconds: still ? 0 : (numeric(stream.start_time) ?? 0),
		pixelFormat,
		// Of H.264 and ProRes ffprobe knows it from the stream; 0 stands for unknown.
		bitDepth: Math.max(bitDepthOf(pixelFormat), numeric(stream.bits_per_raw_sample) ?? 0),
		profile: known(stream.profile),
		level: stream.level !== undefined && stream.level > 0 ? stream.level : null,
		interlaced,
		hdr: stream.color_transfer === 'smpte2084' ? 'pq' : stream.color_transfer === 'arib-std-b67' ? 'hlg' : null,
		colorPrimaries: known(stream.color_primaries),
		colorTransfer: known(stream.color_transfer),
		colorSpace: known(stream.color_space),
		colorRange: stream.color_range === 'tv' || stream.color_range === 'pc' ? stream.color_range : null,
		rotation,
		bitrate: still ? null : numeric(stream.bit_rate),
	};
}

/** VP8 and VP9 keep transparency in a stream of its own, of which ffmpeg's own decoders, and so ffprobe, do not know. */
const hasHiddenAlpha = ({ codec_name: codec, tags = {} }: ProbeStream): boolean =>
	/^vp[89]$/.test(codec ?? '') && Object.entries(tags).some(([name, value]) => /^alpha_mode$/i.test(name) && value === '1');

/** The track that players choose: the one marked as default. Tracks in codecs that ffmpeg does not know are passed over. */
function audioFacts(sounds: ProbeStream[], length: number): AudioFacts | null {
	const readable = sounds.filter((sound) => sound.codec_name && sound.codec_name !== 'unknown' && sound.channels);
	const chosen = readable.find((sound) => sound.disposition?.default) ?? readable[0] ?? sounds[0];
	if (!chosen) return null;
	return {
		codec: chosen.codec_name ?? 'unknown',
		channels: chosen.channels ?? 0,
		channelLayout: known(chosen.channel_layout),
		sampleRate: numeric(chosen.sample_rate) ?? 0,
		bitrate: numeric(chosen.bit_rate),
		durationSeconds: lengthOf(chosen) ?? length,
		startSeconds: numeric(chosen.start_time) ?? 0,
		track: sounds.indexOf(chosen),
		tracks: sounds.slice(0, MAX_TRACKS_LISTED).map((sound) => ({
			codec: sound.codec_name ?? 'unknown',
			channels: sound.channels ?? 0,
			language: sound.tags?.['language'] && sound.tags['language'] !== 'und' ? sound.tags['language'] : null,
			default: sound.disposition?.default === 1,
		})),
	};
}

/** No camera takes more pictures a second; what claims it counts ticks of a clock (90 000 in MPEG). */
const HIGHEST_RATE = 1000;
/** Above rounding, and above the few pictures that a phone drops. */
const RATE_TOLERANCE = 0.02;
/** For uneven times: of screen recorders, cameras and the rest; the next one holds what came at uneven times. */
const RATES = [24_000 / 1001, 24, 25, 30_000 / 1001, 30, 50, 60_000 / 1001, 60, 120, 240];
const HOLDING_RATES = [30, 60, 120, 240];

/** `r_frame_rate` is the lowest rate that hits every time stamp: with even times it is the average. */
function rates(stream: ProbeStream, interlaced: boolean): { frameRate: number; variable: boolean } {
	const [average, exact] = [stream.avg_frame_rate, stream.r_frame_rate].map((text) => ratio(text, '/'));
	const rate = [average, exact].find((one) => one && one <= HIGHEST_RATE);
	// Nothing but ticks: at most this many pictures are made of them.
	if (!rate) return { frameRate: HOLDING_RATES[0]!, variable: true };
	const factor = average && exact ? exact / average : 1;
	// Interlaced streams count fields in the one and pictures in the other.
	if (Math.abs(factor - 1) <= RATE_TOLERANCE || (interlaced && Math.abs(factor - 2) <= RATE_TOLERANCE))
		return { frameRate: rate, variable: false };
	// Of times that follow no rate ffprobe makes one up, such as 51.
	if (exact && exact >= rate && (exact <= 30 || (exact <= 60.6 && standardRate(exact)))) return { frameRate: standardRate(exact) ?? exact, variable: true };
	return { frameRate: standardRate(rate) ?? HOLDING_RATES.find((one) => one >= rate) ?? rate, variable: true };
}

/** The nearest of the usual rates, where one is near. */
function standardRate(rate: number): number | undefined {
	const off = (one: number): number => Math.abs(one / rate - 1);
	const nearest = RATES.reduce((best, one) => (off(one) < off(best) ? one : best));
	return off(nearest) <= RATE_TOLERANCE / 2 ? nearest : undefined;
}

/** Matroska keeps the length of a track in a tag, as `00:01:02.345000000`. */
function lengthOf(stream: ProbeStream): number | null {
	const own = numeric(stream.duration);
	// Of Windows Media that was cut off it is 0.
	if (own !== null && own > 0) return own;
	const tag = Object.entries(stream.tags ?? {}).find(([name]) => /^DURATION(-\w+)?$/i.test(name))?.[1];
	const parts = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(tag ?? '');
	return parts ? Number(parts[1]) * 3600 + Number(parts[2]) * 60 + Number(parts[3]) : null;
}

const known = (text: string | undefined): string | null =>
	text === undefined || /^(unknown|reserved|-99|N\/A)$/.test(text) ? null : text;

/** ffprobe counts counter-clockwise, -180 to 180. Turns by other angles are not applied by players. */
function clockwise(degrees: number): number {
	const turn = ((-Math.round(degrees) % 360) + 360) % 360;
	return [0, 90, 180, 270].includes(turn) ? turn : 0;
}

function numeric(text: string | undefined): number | null {
	const value = Number(text ?? Number.NaN);
	return Number.isFinite(value) ? value : null;
}

/** `16:15`, `30000/1001`. Null for `0/0`, `0:1` and what is missing. */
function ratio(text: string | undefined, separator: string): number | null {
	const [over, under] = (text ?? '').split(separator).map(Number);
	return over && under && over > 0 && under > 0 ? over / under : null;
}
