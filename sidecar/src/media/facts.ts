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
}

export interface VideoFacts {
	/** ffprobe's codec name: h264, hevc, vp9, av1, mjpeg, png … */
	codec: string;
	/** As shown: rotation and sample aspect ratio already applied, even pixels not guaranteed. */
	width: number;
	height: number;
	/** Frames per second; 0 for a still image. */
	frameRate: number;
	pixelFormat: string;
	/** 0, 90, 180, 270: clockwise turn the player applies. */
	rotation: number;
	bitrate: number | null;
}

export interface AudioFacts {
	codec: string;
	channels: number;
	sampleRate: number;
	bitrate: number | null;
}
