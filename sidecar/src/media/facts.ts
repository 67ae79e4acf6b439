/** What the probe found out about a file. All that operations decide from. */
export interface MediaFacts {
	/** From the magic number, e.g. `video/mp4`. */
	mime: string;
	fileType: 'video' | 'image' | 'audio';
	/** ffprobe's format name, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
	container: string;
	bytes: number;
	/** Seconds; 0 for a still image. */
	durationSeconds: number;
	/** bits per second of the whole file; null where unknown. */
	bitrate: number | null;
	video: VideoFacts | null;
	audio: AudioFacts | null;
	/** Of an animated GIF or WebP; absent for all else. */
	animation?: AnimationFacts | null;
}

export interface AnimationFacts {
	frames: number;
	durationSeconds: number;
	/** How often it plays; 0 is for ever. */
	loops: number;
}

/** An animated GIF is a video to ffmpeg and a picture to people: operations on either take it. */
export const kindsOf = ({ fileType, mime }: Pick<MediaFacts, 'fileType' | 'mime'>): ReadonlyArray<MediaFacts['fileType']> =>
	mime === 'image/gif' && fileType === 'video' ? ['video', 'image'] : [fileType];

export interface VideoFacts {
	/** ffprobe's codec name: h264, hevc, vp9, av1, mjpeg, png … */
	codec: string;
	/** As shown: rotation and sample aspect ratio already applied, even pixels not guaranteed. */
	width: number;
	height: number;
	/** As stored: before rotation and with pixels as they are. */
	storedWidth: number;
	storedHeight: number;
	/** Width of a pixel over its height; 1 for square ones. */
	pixelAspect: number;
	/** Pictures per second; where they are variable, the rate to which they are evened when encoded. 0 for a still image. */
	frameRate: number;
	/** Pictures come at uneven times, as phones and screen recorders make them. */
	variableFrameRate: boolean;
	/** As the file says; null where it does not. */
	frameCount: number | null;
	/** Length of the picture alone, seconds; the file's where it is unknown, 0 for a still image. */
	durationSeconds: number;
	/** Time of the first picture, seconds; negative in some files. */
	startSeconds: number;
	pixelFormat: string;
	/** Bits per colour channel: 8, 10, 12, 16. */
	bitDepth: number;
	/** ffprobe's names, e.g. High, Main 10; null where there are none. */
	profile: string | null;
	/** As the codec counts: 41 is level 4.1 of H.264, 123 is level 4.1 of H.265. */
	level: number | null;
	/** Both fields of each picture were taken at different times: moving edges show combs until it is deinterlaced. */
	interlaced: boolean;
	/** High dynamic range: PQ (HDR10, Dolby Vision) or HLG; shown on ordinary screens it looks washed out. */
	hdr: 'pq' | 'hlg' | null;
	/** ffprobe's names, e.g. bt709, bt2020, smpte170m; null where the file does not say. */
	colorPrimaries: string | null;
	colorTransfer: string | null;
	colorSpace: string | null;
	/** tv: 16 to 235; pc: 0 to 255. */
	colorRange: 'tv' | 'pc' | null;
	/** 0, 90, 180, 270: clockwise turn the player applies. */
	rotation: number;
	bitrate: number | null;
}

export interface AudioFacts {
	codec: string;
	channels: number;
	/** ffprobe's name, e.g. stereo, 5.1(side); null where unknown. */
	channelLayout: string | null;
	sampleRate: number;
	bitrate: number | null;
	/** Length of the sound alone, seconds; the file's where it is unknown. */
	durationSeconds: number;
	/** Time of the first sound, seconds; negative in some files. */
	startSeconds: number;
	/** Which of the sound tracks all this is about, from 0: the one marked as default, else the first that can be read. */
	track: number;
	/** All sound tracks in order, at most MAX_TRACKS_LISTED. */
	tracks: AudioTrack[];
}

export interface AudioTrack {
	codec: string;
	channels: number;
	/** As tagged, mostly ISO 639-2 (eng, deu); null where there is none. */
	language: string | null;
	default: boolean;
}

/** Files with more are made to be a nuisance, and the facts of a file are sent around a lot. */
export const MAX_TRACKS_LISTED = 32;

/** Facts as they were stored: those of earlier versions lack what has been added since. */
export type StoredFacts = Omit<MediaFacts, 'video' | 'audio'> & {
	video: (Partial<VideoFacts> & Pick<VideoFacts, 'codec' | 'width' | 'height'>) | null;
	audio: (Partial<AudioFacts> & Pick<AudioFacts, 'codec' | 'channels' | 'sampleRate'>) | null;
};

/** Pure: fills what is missing with what is true of ordinary media. */
export function completeFacts(stored: StoredFacts): MediaFacts {
	const { video, audio } = stored;
	return {
		...stored,
		video: video && {
			storedWidth: video.width,
			storedHeight: video.height,
			pixelAspect: 1,
			frameRate: 0,
			variableFrameRate: false,
			frameCount: null,
			durationSeconds: stored.durationSeconds,
			startSeconds: 0,
			pixelFormat: 'unknown',
			bitDepth: bitDepthOf(video.pixelFormat ?? ''),
			profile: null,
			level: null,
			interlaced: false,
			hdr: null,
			colorPrimaries: null,
			colorTransfer: null,
			colorSpace: null,
			colorRange: null,
			rotation: 0,
			bitrate: null,
			...video,
		},
		audio: audio && {
			channelLayout: null,
			bitrate: null,
			durationSeconds: stored.durationSeconds,
			startSeconds: 0,
			track: 0,
			tracks: [],
			...audio,
		},
	};
}

/** Pure: from ffmpeg's name of a pixel format; 8 for those that do not say (`ffmpeg -pix_fmts`). */
export function bitDepthOf(pixelFormat: string): number {
	const name = pixelFormat.replace(/(le|be)$/, '');
	if (/f32$/.test(name)) return 32;
	if (/48$|64$/.test(name)) return 16;
	const planar = /p(9|10|12|14|16)$|^(?:gray|ya)(9|10|12|14|16)$|^[py][0-4](10|12|16)$|^x2(?:rgb|bgr)(10)$|^xyz(12)$/.exec(name);
	return Number(planar?.slice(1).find((bits) => bits !== undefined) ?? (name === 'nv20' ? 10 : 8));
}
