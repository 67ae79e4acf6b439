import { createBluesky } from '../../../../sidecar/src/social/bluesky.ts';
import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { startBlueskyEmulator } from '../../../platforms/bluesky.ts';
import type { StartStage } from './stage.ts';

export const bluesky: StartStage = async (clock) => {
	const emulator = await startBlueskyEmulator({ now: clock.now });
	const http = createHttp({ now: () => new Date(clock.now()) });
	return {
		emulator,
		platform: () => createBluesky({ http, videoHttp: http, videoBaseUrl: emulator.videoUrl, webBaseUrl: emulator.url }),
		credentials: { accessToken: 'abcd-efgh-ijkl-mnop', baseUrl: emulator.url, extra: { identifier: 'demo.test' } },
		steps: ['session', 'serviceAuth', 'limits', 'upload', 'job', 'create'],
		uploadStep: 'upload',
		lookSteps: ['record'],
		account: 'demo.test',
		answers: {
			refused: (message) => ({ status: 400, body: { error: 'InvalidRequest', message } }),
			throttled: (until) => ({ status: 429, headers: { 'ratelimit-reset': String(Math.ceil(until / 1000)) }, body: { error: 'RateLimitExceeded', message: 'Rate Limit Exceeded' } }),
		},
		remoteTexts: () => emulator.posts.map((post) => post.text),
		remoteHashes: () => emulator.posts.map((post) => post.media.map((media) => media.sha256)),
		close: emulator.close,
	};
};
