import type { VideoFacts } from './facts.ts';

/** Pure: filters that every picture of this source passes before anything else, so that operations meet ordinary pictures only. */
export function corrections(_video: VideoFacts): string[] {
	return [];
}
