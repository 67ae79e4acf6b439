import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { createInstagram } from '../../../../sidecar/src/social/instagram.ts';
import type { PostMedia } from '../../../../sidecar/src/social/platform.ts';
import { graphError, graphThrottle } from '../../../platforms/graph.ts';
import { startInstagramEmulator, type InstagramEmulator, type InstagramEmulatorOptions } from '../../../platforms/instagram.ts';
import { startMediaHost, type MediaHost } from '../../../platforms/mediaHost.ts';
import type { Clock } from '../support.ts';
import type { Stage, StartStage } from './stage.ts';

export interface InstagramStage extends Stage {
	emulator: InstagramEmulator;
	host: MediaHost;
}

/** The suite's video, held upright. */
export const upright = (video: PostMedia): PostMedia => ({
	...video,
	facts: { ...video.facts, video: video.facts.video && { ...video.facts.video, width: 720, height: 1280 } },
});

export async function startInstagramStage(clock: Clock, login: 'instagram' | 'facebook', options: InstagramEmulatorOptions = {}): Promise<InstagramStage> {
	const emulator = await startInstagramEmulator({ now: clock.now, ...options });
	const host = await startMediaHost();
	let served = 0;
	return {
		emulator,
		host,
		platform: () =>
			createInstagram({
				http: createHttp({ now: () => new Date(clock.now()) }),
				instagramBaseUrl: emulator.instagramUrl,
				facebookBaseUrl: emulator.facebookUrl,
			}),
		credentials: { accessToken: `${login}-token`, baseUrl: null, extra: { login } },
		// Instagram has no alternative text for videos.
		media: (video) => ({ ...upright(video), altText: null, url: host.serve(`${(served += 1)}.mp4`, { mime: video.mime, path: video.path }) }),
		textAlone: false,
		steps: ['me', 'limit', 'container', ...(login === 'facebook' ? ['upload'] : []), 'status', 'publish', 'media'],
		uploadStep: login === 'facebook' ? 'upload' : 'container',
		finishStep: 'publish',
		lookSteps: ['list', 'stories'],
		answers: {
			expired: graphError({ message: 'Error validating access token: Session has expired', code: 190, subcode: 463 }),
			refused: (message) => graphError({ message, code: 368 }),
			throttled: (until) => graphThrottle('17841405309211844', 80_002, Math.ceil((until - clock.now()) / 60_000)),
		},
		tooLong: 2201,
		remoteTexts: () => emulator.posts.map((post) => post.text),
		remoteHashes: () => emulator.posts.map((post) => post.media.map((media) => media.sha256)),
		close: async () => {
			await emulator.close();
			await host.close();
		},
	};
}

export const instagram: StartStage = (clock) => startInstagramStage(clock, 'instagram');
