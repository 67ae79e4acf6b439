import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { createTikTok } from '../../../../sidecar/src/social/tiktok.ts';
import { startTikTokEmulator, tiktokError } from '../../../platforms/tiktok.ts';
import type { StartStage } from './stage.ts';

export const tiktok: StartStage = async (clock) => {
	const chunkBytes = 1024 * 1024;
	const emulator = await startTikTokEmulator({ now: clock.now, minChunkBytes: chunkBytes });
	return {
		emulator,
		platform: () => createTikTok({ http: createHttp({ now: () => new Date(clock.now()) }), apiBaseUrl: emulator.url, webBaseUrl: emulator.url, chunkBytes, pollSeconds: 1 }),
		credentials: { accessToken: 'tiktok-token', baseUrl: null, extra: {} },
		settings: { privacy: 'everyone' },
		// There is no alternative text.
		media: (video) => ({ ...video, altText: null }),
		textAlone: false,
		steps: ['user', 'creator_info', 'init', 'chunk', 'last_chunk', 'status'],
		uploadStep: 'chunk',
		finishStep: 'last_chunk',
		lookSteps: [],
		alwaysLooks: ['status'],
		tooLong: 2201,
		answers: {
			expired: tiktokError('access_token_invalid'),
			refused: (message) => tiktokError('invalid_params', message),
			throttled: (until) => ({ ...tiktokError('rate_limit_exceeded'), headers: { 'retry-after': String(Math.ceil((until - clock.now()) / 1000)) } }),
		},
		remoteTexts: () => emulator.posts.map((post) => post.text),
		remoteHashes: () => emulator.posts.map((post) => post.media.map((media) => media.sha256)),
		close: emulator.close,
	};
};
