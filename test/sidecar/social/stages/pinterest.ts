import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { createPinterest } from '../../../../sidecar/src/social/pinterest.ts';
import { startPinterestEmulator } from '../../../platforms/pinterest.ts';
import type { StartStage } from './stage.ts';

export const pinterest: StartStage = async (clock) => {
	const emulator = await startPinterestEmulator({ now: clock.now, processingPolls: 1 });
	return {
		emulator,
		platform: () => createPinterest({ http: createHttp({ now: () => new Date(clock.now()) }), apiBaseUrl: emulator.apiUrl, webBaseUrl: emulator.url }),
		credentials: { accessToken: 'pinterest-token', baseUrl: null, extra: {} },
		settings: { board: 'Ideas' },
		textAlone: false,
		steps: ['me', 'boards', 'register', 'bucket', 'media', 'boardPins', 'create'],
		uploadStep: 'bucket',
		lookSteps: ['boardPins'],
		// What is on the board before.
		ordinaryLooks: 1,
		answers: {
			refused: (message) => ({ status: 400, body: { code: 1, message } }),
			throttled: (until) => ({ status: 429, headers: { 'X-RateLimit-Reset': String(Math.ceil((until - clock.now()) / 1000)) }, body: { code: 8, message: 'You have exceeded your rate limit. Try again later.' } }),
		},
		tooLong: 801,
		remoteTexts: () => emulator.posts.map((post) => post.text),
		remoteHashes: () => emulator.posts.map((post) => post.media.map((media) => media.sha256)),
		close: emulator.close,
	};
};
