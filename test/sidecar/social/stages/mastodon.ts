import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { createMastodon } from '../../../../sidecar/src/social/mastodon.ts';
import { startMastodonEmulator } from '../../../platforms/mastodon.ts';
import type { StartStage } from './stage.ts';

export const mastodon: StartStage = async (clock) => {
	const emulator = await startMastodonEmulator({ now: clock.now });
	return {
		emulator,
		platform: () => createMastodon({ http: createHttp({ now: () => new Date(clock.now()) }) }),
		credentials: { accessToken: 'mastodon-token', baseUrl: emulator.url, extra: {} },
		steps: ['me', 'instance', 'upload', 'media', 'create'],
		uploadStep: 'upload',
		lookSteps: ['statuses'],
		answers: {
			refused: (error) => ({ status: 400, body: { error } }),
			throttled: (until) => ({ status: 429, headers: { 'X-RateLimit-Reset': new Date(until).toISOString() }, body: { error: 'Too many requests' } }),
		},
		remoteTexts: () => emulator.posts.map((post) => post.text),
		remoteHashes: () => emulator.posts.map((post) => post.media.map((media) => media.sha256)),
		close: emulator.close,
	};
};
