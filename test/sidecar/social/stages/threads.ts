import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { createThreads } from '../../../../sidecar/src/social/threads.ts';
import { graphError, graphThrottle } from '../../../platforms/graph.ts';
import { startMediaHost, type MediaHost } from '../../../platforms/mediaHost.ts';
import { startThreadsEmulator, type ThreadsEmulator, type ThreadsEmulatorOptions } from '../../../platforms/threads.ts';
import type { Clock } from '../support.ts';
import type { Stage, StartStage } from './stage.ts';

export interface ThreadsStage extends Stage {
	emulator: ThreadsEmulator;
	host: MediaHost;
}

export async function startThreadsStage(clock: Clock, options: ThreadsEmulatorOptions = {}): Promise<ThreadsStage> {
	const emulator = await startThreadsEmulator({ now: clock.now, ...options });
	const host = await startMediaHost();
	let served = 0;
	return {
		emulator,
		host,
		platform: () => createThreads({ http: createHttp({ now: () => new Date(clock.now()) }), apiBaseUrl: emulator.url }),
		credentials: { accessToken: 'threads-token', baseUrl: null, extra: {} },
		media: (video) => ({ ...video, url: host.serve(`${(served += 1)}.mp4`, { mime: video.mime, path: video.path }) }),
		steps: ['me', 'limit', 'container', 'status', 'publish', 'media'],
		uploadStep: 'container',
		finishStep: 'publish',
		lookSteps: ['list', 'replies'],
		answers: {
			expired: graphError({ message: 'Error validating access token: Session has expired', code: 190, subcode: 463 }),
			refused: (message) => graphError({ message, code: 368 }),
			throttled: (until) => graphThrottle('26084512345678901', 613, Math.ceil((until - clock.now()) / 60_000)),
		},
		remoteTexts: () => emulator.posts.map((post) => post.text),
		remoteHashes: () => emulator.posts.map((post) => post.media.map((media) => media.sha256)),
		close: async () => {
			await emulator.close();
			await host.close();
		},
	};
}

export const threads: StartStage = (clock) => startThreadsStage(clock);
