import { bitDepthOf, type AudioFacts, type MediaFacts, type VideoFacts } from '../../sidecar/src/media/facts.ts';

/** The stored size follows the one that is shown, the bit depth the pixel format. */
export const picture = (changes: Partial<VideoFacts> = {}): VideoFacts => {
	const turned = changes.rotation === 90 || changes.rotation === 270;
	const [width, height] = [changes.width ?? 1920, changes.height ?? 1080];
	return {
		codec: 'h264',
		width,
		height,
		storedWidth: turned ? height : width,
		storedHeight: turned ? width : height,
		pixelAspect: 1,
		frameRate: 30,
		variableFrameRate: false,
		frameCount: 1800,
		durationSeconds: 60,
		startSeconds: 0,
		pixelFormat: 'yuv420p',
		bitDepth: bitDepthOf(changes.pixelFormat ?? 'yuv420p'),
		profile: 'High',
		level: 40,
		interlaced: false,
		hdr: null,
		colorPrimaries: 'bt709',
		colorTransfer: 'bt709',
		colorSpace: 'bt709',
		colorRange: 'tv',
		rotation: 0,
		bitrate: 8_000_000,
		...changes,
	};
};
export const sound = (changes: Partial<AudioFacts> = {}): AudioFacts => ({
	codec: 'aac',
	channels: 2,
	channelLayout: 'stereo',
	sampleRate: 48_000,
	bitrate: 128_000,
	durationSeconds: 60,
	startSeconds: 0,
	track: 0,
	tracks: [{ codec: 'aac', channels: 2, language: null, default: true }],
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
	video: picture({ durationSeconds: changes.durationSeconds ?? 60 }),
	audio: sound({ durationSeconds: changes.durationSeconds ?? 60 }),
	...changes,
});
export const imageFacts = (changes: Partial<VideoFacts> = {}, mime = 'image/jpeg'): MediaFacts => ({
	...videoFacts({ mime, fileType: 'image', container: 'jpeg_pipe', durationSeconds: 0, bitrate: null, audio: null }),
	video: picture({ codec: 'mjpeg', pixelFormat: 'yuvj420p', frameRate: 0, frameCount: 1, durationSeconds: 0, bitrate: null, profile: null, level: null, ...changes }),
});
export const audioFacts = (changes: Partial<AudioFacts> = {}): MediaFacts =>
	videoFacts({
		mime: 'audio/mpeg',
		fileType: 'audio',
		container: 'mp3',
		video: null,
		audio: sound({ codec: 'mp3', ...changes }),
	});
