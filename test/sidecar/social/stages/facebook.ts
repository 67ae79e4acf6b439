import { createFacebook } from '../../../../sidecar/src/social/facebook.ts';
import { createHttp } from '../../../../sidecar/src/social/http.ts';
import type { PostMedia } from '../../../../sidecar/src/social/platform.ts';
import { startFacebookEmulator, type FacebookEmulator } from '../../../platforms/facebook.ts';
import { graphError, graphThrottle } from '../../../platforms/graph.ts';
import type { Clock } from '../support.ts';
import type { StartStage } from './stage.ts';

export const facebookOn = (emulator: FacebookEmulator, clock: Pick<Clock, 'now'>) =>
	createFacebook({
		http: createHttp({ now: () => new Date(clock.now()) }),
		graph: emulator.url,
		video: emulator.videoUrl,
		upload: emulator.uploadUrl,
		web: emulator.url,
		version: 'v25.0',
		pollSeconds: 1,
	});

/** Upright, and without a description: a reel has none. */
export const asReel = (video: PostMedia): PostMedia => ({
	...video,
	altText: null,
	facts: { ...video.facts, video: { ...video.facts.video!, width: 1080, height: 1920 } },
});

export const facebook: StartStage = async (clock) => {
	const emulator = await startFacebookEmulator({ now: clock.now, reelsPerDay: 1000 });
	return {
		emulator,
		platform: () => facebookOn(emulator, clock),
		credentials: { accessToken: 'facebook-token', baseUrl: null, extra: {} },
		media: asReel,
		steps: ['accounts', 'reelStart', 'upload', 'reelFinish', 'video'],
		uploadStep: 'upload',
		finishStep: 'reelFinish',
		lookSteps: [],
		alwaysLooks: ['video'],
		answers: {
			expired: graphError({ message: 'Error validating access token: Session has expired', code: 190, subcode: 463 }),
			refused: (message) => graphError({ message, code: 100 }),
			throttled: (until) => graphThrottle('110000000000000123', 80_001, Math.ceil((until - clock.now()) / 60_000)),
		},
		tooLong: 63_207,
		remoteTexts: () => emulator.posts.map((post) => post.text),
		remoteHashes: () => emulator.posts.map((post) => post.media.map((media) => media.sha256)),
		close: emulator.close,
	};
};
