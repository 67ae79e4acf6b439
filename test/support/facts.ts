import type { AudioFacts, MediaFacts, VideoFacts } from '../../sidecar/src/media/facts.ts';

export const picture = (changes: Partial<VideoFacts> = {}): VideoFacts => ({
	codec: 'h264',
	width: 1920,
	height: 1080,
	frameRate: 30,
	pixelFormat: 'yuv420p',
	rotation: 0,
	bitrate: 8_000_000,
	...changes,
});
export const sound = (changes: Partial<AudioFacts> = {}): AudioFacts => ({
	codec: 'aac',
	channels: 2,
	sampleRate: 48_000,
	bitrate: 128_000,
	...changes,
});

/** A minute of 1080p H.264 with AAC, as a camera makes it. */
export const videoFacts = (changes: Partial<MediaFacts> = {}): MediaFacts => ({
	mime: 'video/mp4',
	fileType: 'video',
	container: 'mov,mp4,m4a,3gp,3g2,mj2',
	bytes: 61_000_000,
	durationSeconds: 60,
	bitrate: 8_130_000,
	video: picture(),
	audio: sound(),
	...changes,
});
export const imageFacts = (changes: Partial<VideoFacts> = {}, mime = 'image/jpeg'): MediaFacts => ({
	...videoFacts({ mime, fileType: 'image', container: 'jpeg_pipe', durationSeconds: 0, bitrate: null, audio: null }),
	video: picture({ codec: 'mjpeg', pixelFormat: 'yuvj420p', frameRate: 0, bitrate: null, ...changes }),
});
export const audioFacts = (changes: Partial<AudioFacts> = {}): MediaFacts =>
	videoFacts({
		mime: 'audio/mpeg',
		fileType: 'audio',
		container: 'mp3',
		video: null,
		audio: sound({ codec: 'mp3', ...changes }),
	});
