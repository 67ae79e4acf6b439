import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { createYouTube } from '../../../../sidecar/src/social/youtube.ts';
import { startYouTubeEmulator } from '../../../platforms/youtube.ts';
import { googleError } from '../../../platforms/youtubeRules.ts';
import type { StartStage } from './stage.ts';

export const youtube: StartStage = async (clock) => {
	const emulator = await startYouTubeEmulator({ now: clock.now });
	const urls = { apiBaseUrl: `${emulator.url}/youtube/v3`, uploadBaseUrl: `${emulator.url}/upload/youtube/v3`, webBaseUrl: emulator.url };
	return {
		emulator,
		platform: () => createYouTube({ http: createHttp({ now: () => new Date(clock.now()) }), chunkBytes: 1024 * 1024, ...urls }),
		credentials: { accessToken: 'youtube-token', baseUrl: null, extra: {} },
		account: 'Demo',
		media: (video) => ({ ...video, altText: null }),
		textAlone: false,
		steps: ['channel', 'initialize', 'append', 'create', 'videos'],
		uploadStep: 'append',
		lookSteps: ['probe', 'uploads'],
		answers: {
			expired: googleError(401, 'authError', 'Request had invalid authentication credentials.'),
			refused: (message) => googleError(400, 'invalidVideoMetadata', message),
			// HTTP dates have whole seconds.
			throttled: (until) => googleError(403, 'userRateLimitExceeded', 'Slow down', { 'retry-after': new Date(Math.ceil(until / 1000) * 1000).toUTCString() }),
		},
		tooLong: 5001,
		remoteTexts: () => emulator.posts.map((post) => post.text),
		remoteHashes: () => emulator.posts.map((post) => post.media.map((media) => media.sha256)),
		close: emulator.close,
	};
};
