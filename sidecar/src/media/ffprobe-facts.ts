import type { AudioFacts, MediaFacts, VideoFacts } from './facts.ts';

/** What we read of ffprobe's JSON. Numbers come as text, unknown ones are missing or `N/A`. */
export interface ProbeJson {
	format?: { format_name?: string; duration?: string; bit_rate?: string };
	streams?: ProbeStream[];
	frames?: Array<{ side_data_list?: SideData[] }>;
}
interface SideData {
	rotation?: number;
}
interface ProbeStream {
	codec_type?: string;
	codec_name?: string;
	width?: number;
	height?: number;
	pix_fmt?: string;
	sample_aspect_ratio?: string;
	avg_frame_rate?: string;
	r_frame_rate?: string;
	bit_rate?: string;
	duration?: string;
	nb_frames?: string;
	channels?: number;
	sample_rate?: string;
	disposition?: { attached_pic?: number };
	side_data_list?: SideData[];
}

/** Pure. Null when there is neither a picture nor a sound. */
export function toFacts(
	json: ProbeJson,
	{ mime, bytes, still }: { mime: string; bytes: number; still: boolean },
): MediaFacts | null {
	const streams = json.streams ?? [];
	// A cover picture is no video. The engine maps the same streams: the first V, the first a.
	const picture = streams.find((stream) => stream.codec_type === 'video' && !stream.disposition?.attached_pic);
	const sound = streams.find((stream) => stream.codec_type === 'audio');
	const isStill = still || (mime === 'image/gif' && picture?.nb_frames === '1');
	const video = picture
		? videoFacts(picture, json.frames?.[0]?.side_data_list ?? picture.side_data_list ?? [], isStill)
		: null;
	const audio = sound && !isStill ? audioFacts(sound) : null;
	if (!video && !audio) return null;
	const lengths = [json.format?.duration, picture?.duration, sound?.duration]
		.map(numeric)
		.filter((value) => value !== null);
	return {
		mime,
		fileType: isStill ? 'image' : video ? 'video' : 'audio',
		container: json.format?.format_name ?? '',
		bytes,
		durationSeconds: isStill ? 0 : Math.max(0, lengths[0] ?? 0),
		bitrate: isStill ? null : numeric(json.format?.bit_rate),
		video,
		audio,
	};
}

function videoFacts(stream: ProbeStream, sideData: SideData[], still: boolean): VideoFacts | null {
	if (!stream.width || !stream.height) return null;
	const rotation = clockwise(sideData.find((data) => data.rotation !== undefined)?.rotation ?? 0);
	const width = Math.max(1, Math.round(stream.width * (ratio(stream.sample_aspect_ratio, ':') ?? 1)));
	const turned = rotation === 90 || rotation === 270;
	return {
		codec: stream.codec_name ?? 'unknown',
		width: turned ? stream.height : width,
		height: turned ? width : stream.height,
		frameRate: still
			? 0
			: Math.round((ratio(stream.avg_frame_rate, '/') ?? ratio(stream.r_frame_rate, '/') ?? 0) * 1000) / 1000,
		pixelFormat: stream.pix_fmt ?? 'unknown',
		rotation,
		bitrate: still ? null : numeric(stream.bit_rate),
	};
}

function audioFacts(stream: ProbeStream): AudioFacts {
	return {
		codec: stream.codec_name ?? 'unknown',
		channels: stream.channels ?? 0,
		sampleRate: numeric(stream.sample_rate) ?? 0,
		bitrate: numeric(stream.bit_rate),
	};
}

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
