import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { createLinkedIn } from '../../../../sidecar/src/social/linkedin.ts';
import { startLinkedInEmulator } from '../../../platforms/linkedin.ts';
import type { StartStage } from './stage.ts';

export const linkedin: StartStage = async (clock) => {
	const emulator = await startLinkedInEmulator({ now: clock.now, partBytes: 1024 * 1024 });
	return {
		emulator,
		platform: () => createLinkedIn({ http: createHttp({ now: () => new Date(clock.now()) }), apiBaseUrl: emulator.url, webBaseUrl: emulator.url }),
		credentials: { accessToken: 'linkedin-token', baseUrl: null, extra: {} },
		// Alternative texts are for pictures.
		media: (video) => ({ ...video, altText: null }),
		steps: ['me', 'initialize', 'part', 'finalize', 'status', 'create'],
		uploadStep: 'part',
		// A repeat tells; nothing is read.
		lookSteps: ['post', 'comments'],
		answers: {
			refused: (message) => ({ status: 400, body: { status: 400, code: 'INVALID_VALUE_FOR_FIELD', message } }),
			throttled: (until) => ({ status: 429, headers: { 'retry-after': String(Math.ceil((until - clock.now()) / 1000)) }, body: { status: 429, code: 'TOO_MANY_REQUESTS', message: 'Throttled' } }),
		},
		tooLong: 3001,
		remoteTexts: () => emulator.posts.map((post) => post.text),
		remoteHashes: () => emulator.posts.map((post) => post.media.map((media) => media.sha256)),
		close: emulator.close,
	};
};
