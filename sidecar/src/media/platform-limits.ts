/**
 * What social platforms take, as data: the one place for limits of media. The numbers in comments are sections of
 * platforms.md. Megabytes are read as 10^6 bytes, the stricter way. "third party" and "unconfirmed" are kept as they stand there.
 */

export type MediaKind = 'image' | 'gif' | 'video' | 'audio';

/** What one kind of media may be. Absent: the platform names no limit. */
export interface MediaLimits {
	/** Files of this kind in one post. */
	count: number;
	mimes: readonly string[];
	minBytes?: number;
	maxBytes?: number;
	/** Width × height. */
	maxPixels?: number;
	minSide?: number;
	minWidth?: number;
	minHeight?: number;
	maxWidth?: number;
	/** Longer and shorter side, whichever way the picture is held. */
	maxLongSide?: number;
	maxShortSide?: number;
	minFrameRate?: number;
	maxFrameRate?: number;
	minSeconds?: number;
	maxSeconds?: number;
	/** Frames, and width × height × frames, of an animation. */
	maxFrames?: number;
	maxTotalPixels?: number;
	/** Longer side divided by the shorter one. */
	maxAspect?: number;
	/** Width divided by height. */
	minRatio?: number;
	maxRatio?: number;
	videoCodecs?: readonly string[];
	pixelFormats?: readonly string[];
	/** Of the picture, bits per second. */
	maxBitrate?: number;
	audioCodecs?: readonly string[];
	maxAudioChannels?: number;
	maxSampleRate?: number;
}

/** A kind of post with a video: what it must be, and what it should be. */
export interface VideoPlatform {
	title: string;
	video: MediaLimits;
	/** Shapes (width / height) that are shown as they are; others go into `frame`, or to the nearest of these where there is none. */
	shapes?: { min: number; max: number; frame?: number };
	/** Times are expected in the tracks themselves, without edit lists. */
	noEditLists?: true;
	/** What is made when the video must be encoded: at most this size either way, and bitrate of the picture (0.5). */
	best: { longSide: number; shortSide: number; kbps: number };
}

const MP4 = 'video/mp4';
const MOV = 'video/quicktime';
const M4V = 'video/x-m4v';
const YUV420 = ['yuv420p', 'yuvj420p'] as const;
const AAC_STEREO = { audioCodecs: ['aac'], maxAudioChannels: 2, maxSampleRate: 48_000 } as const;
/** 0.5: vertical short, 1080×1920 at 4 to 8 Mbit/s. */
const FULL_HD = { longSide: 1920, shortSide: 1080, kbps: 8000 } as const;
/** The screen of a phone. Close to it is near enough: 608×1080, 1080×1920. */
const VERTICAL = { min: 0.55, max: 0.575, frame: 9 / 16 } as const;

/** 5.4 */
const REEL: MediaLimits = {
	count: 1,
	mimes: [MP4, MOV],
	maxBytes: 300e6,
	minSeconds: 3,
	maxSeconds: 900,
	maxWidth: 1920,
	minFrameRate: 23,
	maxFrameRate: 60,
	minRatio: 0.01,
	maxRatio: 10,
	videoCodecs: ['h264', 'hevc'],
	pixelFormats: YUV420,
	maxBitrate: 25e6,
	...AAC_STEREO,
};
/** 4.5: any common container and codec; H.264 with AAC in MP4 is advised. */
const YOUTUBE: MediaLimits = {
	count: 1,
	mimes: [MP4, MOV, M4V, 'video/webm', 'video/matroska', 'video/vnd.avi', 'video/mpeg', 'video/x-flv', 'video/3gpp'],
	maxBytes: 256e9,
	maxSeconds: 43_200,
	videoCodecs: ['h264', 'hevc', 'vp8', 'vp9', 'av1', 'mpeg4', 'mpeg2video', 'prores'],
};

export const VIDEO_PLATFORMS = {
	x: {
		title: 'X',
		/** 1.5. X also names webm and MPEG-TS as types of uploads, but H.264 and AAC as their content. */
		video: {
			count: 1,
			mimes: [MP4, MOV],
			maxBytes: 512e6,
			minSeconds: 0.5,
			maxSeconds: 140,
			minSide: 32,
			maxLongSide: 1280,
			maxShortSide: 1024,
			maxFrameRate: 60,
			maxAspect: 3,
			videoCodecs: ['h264'],
			pixelFormats: YUV420,
			audioCodecs: ['aac'],
			maxAudioChannels: 2,
		},
		/** 1.5, "suggested". */
		best: { longSide: 1280, shortSide: 720, kbps: 5000 },
	},
	linkedin: {
		title: 'LinkedIn',
		/** 2.6: sizes and lengths; codecs, shapes and 30 pictures a second from the ads pages (third party). */
		video: {
			count: 1,
			mimes: [MP4],
			minBytes: 75_000,
			maxBytes: 500e6,
			minSeconds: 3,
			maxSeconds: 1800,
			maxLongSide: 1920,
			maxShortSide: 1080,
			maxAspect: 2.4,
			maxFrameRate: 30,
			videoCodecs: ['h264', 'vp8'],
			pixelFormats: YUV420,
			audioCodecs: ['aac'],
			maxAudioChannels: 2,
		},
		best: { longSide: 1920, shortSide: 1080, kbps: 8000 },
	},
	tiktok: {
		title: 'TikTok',
		/** 3.7. An account may have a shorter limit (max_video_post_duration_sec). */
		video: {
			count: 1,
			mimes: [MP4, MOV, 'video/webm'],
			maxBytes: 4e9,
			maxSeconds: 600,
			minSide: 360,
			maxLongSide: 4096,
			minFrameRate: 23,
			maxFrameRate: 60,
			videoCodecs: ['h264', 'hevc', 'vp8', 'vp9'],
			pixelFormats: YUV420,
		},
		shapes: VERTICAL,
		best: FULL_HD,
	},
	youtube: { title: 'YouTube', video: YOUTUBE, best: { longSide: 7680, shortSide: 4320, kbps: 60_000 } },
	youtube_shorts: {
		title: 'YouTube Shorts',
		/** 4.5: at most 3 min, square or vertical. */
		video: { ...YOUTUBE, maxSeconds: 180, maxRatio: 1 },
		shapes: { min: 9 / 16, max: 1, frame: 9 / 16 },
		best: FULL_HD,
	},
	instagram_reel: { title: 'an Instagram reel', video: REEL, shapes: VERTICAL, noEditLists: true, best: FULL_HD },
	/** 5.2: a lone video of the feed is a reel as well. Shapes of the feed are those of its pictures (5.4). */
	instagram_feed: { title: 'the Instagram feed', video: REEL, shapes: { min: 4 / 5, max: 1.91 }, noEditLists: true, best: FULL_HD },
	facebook: {
		title: 'Facebook',
		/** 6.3: 10 GB and 4 h, or 2 GB by other pages (third party; conflict). Codecs, sizes and rates: unconfirmed. */
		video: { count: 1, mimes: [MP4, MOV], maxBytes: 2e9, maxSeconds: 14_400, maxFrameRate: 60, videoCodecs: ['h264', 'hevc'], pixelFormats: YUV420, ...AAC_STEREO },
		best: FULL_HD,
	},
	facebook_reel: {
		title: 'a Facebook reel',
		/** 6.2. No size of the file is named there: that of 0.5, which fits all vertical videos. */
		video: {
			count: 1,
			mimes: [MP4],
			maxBytes: 100e6,
			minSeconds: 3,
			maxSeconds: 90,
			minWidth: 540,
			minHeight: 960,
			minFrameRate: 24,
			maxFrameRate: 60,
			minRatio: 9 / 16,
			maxRatio: 16 / 9,
			videoCodecs: ['h264', 'hevc', 'vp9', 'av1'],
			pixelFormats: YUV420,
			...AAC_STEREO,
		},
		shapes: VERTICAL,
		best: FULL_HD,
	},
	threads: {
		title: 'Threads',
		/** 7.3 */
		video: {
			count: 1,
			mimes: [MP4, MOV],
			maxBytes: 1e9,
			maxSeconds: 300,
			maxWidth: 1920,
			minFrameRate: 23,
			maxFrameRate: 60,
			minRatio: 0.01,
			maxRatio: 10,
			maxBitrate: 100e6,
			videoCodecs: ['h264', 'hevc'],
			pixelFormats: YUV420,
			...AAC_STEREO,
		},
		best: FULL_HD,
	},
	pinterest: {
		title: 'Pinterest',
		/** 8.4 (third party). */
		video: {
			count: 1,
			mimes: [MP4, MOV, M4V],
			maxBytes: 2e9,
			minSeconds: 4,
			maxSeconds: 900,
			minRatio: 1 / 2,
			maxRatio: 1.91,
			videoCodecs: ['h264', 'hevc'],
			pixelFormats: YUV420,
		},
		best: FULL_HD,
	},
	bluesky: {
		title: 'Bluesky',
		/** 9.3: 300 MB since August 2026; 3 min and the shapes are third party. Codecs: unconfirmed, 0.5. */
		video: { count: 1, mimes: [MP4], maxBytes: 300e6, maxSeconds: 180, maxAspect: 3, maxFrameRate: 60, videoCodecs: ['h264'], pixelFormats: YUV420, audioCodecs: ['aac'], maxAudioChannels: 2 },
		/** 0.5: at most 5 Mbit/s, which stays below 100 MB, the limit of older hosts, up to 150 s. */
		best: { longSide: 1920, shortSide: 1080, kbps: 5000 },
	},
	mastodon: {
		title: 'Mastodon',
		/** 10.2: defaults; each server says its own. Codecs are those that browsers show. */
		video: { count: 1, mimes: [MP4, MOV, 'video/webm'], maxBytes: 103_809_024, maxPixels: 8_294_400, maxFrameRate: 120, videoCodecs: ['h264'], pixelFormats: YUV420 },
		/** 0.5: "keep small". */
		best: { longSide: 1920, shortSide: 1080, kbps: 4000 },
	},
} as const satisfies Record<string, VideoPlatform>;

export type VideoPlatformName = keyof typeof VIDEO_PLATFORMS;
export const VIDEO_PLATFORM_NAMES = Object.keys(VIDEO_PLATFORMS) as VideoPlatformName[];

/** Pictures of X, 1.5. */
export const X_IMAGE: MediaLimits = { count: 4, mimes: ['image/jpeg', 'image/png', 'image/webp'], maxBytes: 5e6 };
export const X_GIF: MediaLimits = {
	count: 1,
	mimes: ['image/gif'],
	maxBytes: 15e6,
	maxLongSide: 1280,
	maxShortSide: 1080,
	maxFrames: 350,
	maxTotalPixels: 300e6,
};

/** Photos of a Facebook Page, 6.4: 4 MB (10 MB on another page). No number per post is documented: that of Instagram (5.4). */
export const FACEBOOK_PHOTO: MediaLimits = { count: 10, mimes: ['image/jpeg', 'image/png', 'image/bmp', 'image/tiff'], maxBytes: 4e6 };
export const FACEBOOK_GIF: MediaLimits = { ...FACEBOOK_PHOTO, count: 1, mimes: ['image/gif'] };
/** A story of a Facebook Page, 6.2: as a reel, but vertical only and at most 60 s. */
export const FACEBOOK_STORY_VIDEO: MediaLimits = { ...VIDEO_PLATFORMS.facebook_reel.video, maxSeconds: 60, maxRatio: 9 / 16 };

/** Pictures of LinkedIn, 2.6: below 36,152,320 pixels; 20 of them in one post (2.4). No size of the file is documented. */
export const LINKEDIN_IMAGE: MediaLimits = { count: 20, mimes: ['image/jpeg', 'image/png'], maxPixels: 36_152_319 };
export const LINKEDIN_GIF: MediaLimits = { count: 1, mimes: ['image/gif'], maxPixels: 36_152_319, maxFrames: 250 };

/** Pictures that are shown before a video plays, 4.4: 50 MB since 14 September 2026 (2 MB before). */
export const YOUTUBE_THUMBNAIL: MediaLimits = { count: 1, mimes: ['image/jpeg', 'image/png'], maxBytes: 50e6 };

/** Pictures of a pin, 8.3: JPEG and PNG, two to five of one size side by side; 8.4: 20 MB (third party). */
export const PINTEREST_IMAGE: MediaLimits = { count: 5, mimes: ['image/jpeg', 'image/png'], maxBytes: 20e6 };

/** Photos of TikTok, 3.7 and 3.2: no PNG; at most 1080 on the shorter side (one that is larger fails all), 35 in one post. */
export const TIKTOK_PHOTO: MediaLimits = { count: 35, mimes: ['image/jpeg', 'image/webp'], maxBytes: 20e6, maxShortSide: 1080 };

/** Pictures of Bluesky, 9.2: 2 MB since April 2026; more than four are a gallery, ten at most are suggested. GIFs would stand still. */
export const BLUESKY_IMAGE: MediaLimits = { count: 10, mimes: ['image/jpeg', 'image/png', 'image/webp'], maxBytes: 2e6 };

/** Pictures of Instagram, 5.4: JPEG only. Widths other than 320 to 1440 are scaled. */
export const INSTAGRAM_IMAGE: MediaLimits = { count: 10, mimes: ['image/jpeg'], maxBytes: 8e6, minRatio: 4 / 5, maxRatio: 1.91 };
/** Of a story there is no shape that is refused. */
export const INSTAGRAM_STORY_IMAGE: MediaLimits = { count: 1, mimes: ['image/jpeg'], maxBytes: 8e6 };
/** A reel is shown upright: whoever sends a wide one would be surprised, though it is not refused. */
export const INSTAGRAM_REEL_VIDEO: MediaLimits = { ...VIDEO_PLATFORMS.instagram_reel.video, maxRatio: 1 };
export const INSTAGRAM_CAROUSEL_VIDEO: MediaLimits = { ...VIDEO_PLATFORMS.instagram_feed.video, count: 10 };
export const INSTAGRAM_STORY_VIDEO: MediaLimits = { ...VIDEO_PLATFORMS.instagram_reel.video, maxSeconds: 60, maxBytes: 100e6 };

/** Pictures of Threads, 7.3: up to 20 in one post. Widths other than 320 to 1440 are scaled. */
export const THREADS_IMAGE: MediaLimits = { count: 20, mimes: ['image/jpeg', 'image/png'], maxBytes: 8e6, maxAspect: 10 };
export const THREADS_VIDEO: MediaLimits = { ...VIDEO_PLATFORMS.threads.video, count: 20 };

/** What a Mastodon server takes that does not say, 10.2. */
export const MASTODON_DEFAULTS = {
	imageBytes: 16_777_216,
	imagePixels: 33_177_600,
	videoBytes: VIDEO_PLATFORMS.mastodon.video.maxBytes,
	videoPixels: VIDEO_PLATFORMS.mastodon.video.maxPixels,
	videoFrameRate: VIDEO_PLATFORMS.mastodon.video.maxFrameRate,
	attachments: 4,
} as const;
