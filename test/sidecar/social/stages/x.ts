import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { createX } from '../../../../sidecar/src/social/x.ts';
import { startXEmulator } from '../../../platforms/x.ts';
import type { StartStage } from './stage.ts';

export const x: StartStage = async (clock) => {
	const emulator = await startXEmulator({ now: clock.now });
	return {
		emulator,
		platform: () => createX({ http: createHttp({ now: () => new Date(clock.now()) }), apiBaseUrl: emulator.url, webBaseUrl: emulator.url }),
		credentials: { accessToken: 'x-token', baseUrl: null, extra: {} },
		steps: ['me', 'initialize', 'append', 'finalize', 'metadata', 'status', 'create'],
		uploadStep: 'append',
		lookSteps: ['timeline'],
		answers: {
			refused: (detail) => ({ status: 400, body: { title: 'Invalid Request', detail, status: 400, type: 'about:blank' } }),
			throttled: (until) => ({ status: 429, headers: { 'x-rate-limit-reset': String(Math.ceil(until / 1000)) }, body: { title: 'Too Many Requests' } }),
		},
		remoteTexts: () => emulator.posts.map((post) => post.text),
		remoteHashes: () => emulator.posts.map((post) => post.media.map((media) => media.sha256)),
		close: emulator.close,
	};
};
