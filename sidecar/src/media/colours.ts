import type { VideoFacts } from './facts.ts';

/** How pictures go to RGB and back without a change of their colours. Pure. */

/** ffmpeg's names for `scale` and for `setparams`, by what ffprobe says. */
const MATRICES: Readonly<Record<string, { scale: string; tag: string }>> = {
	bt709: { scale: 'bt709', tag: 'bt709' },
	smpte170m: { scale: 'bt601', tag: 'smpte170m' },
	bt470bg: { scale: 'bt601', tag: 'bt470bg' },
	bt2020nc: { scale: 'bt2020', tag: 'bt2020nc' },
};

/** Players take pictures of this height or more for BT.709 where the file does not say. */
const HD_HEIGHT = 720;

/** How the pictures of a video are coded, once they are corrected. `tag` is null where the file does not say. */
export function matrixOf({ colorSpace, hdr, height }: Pick<VideoFacts, 'colorSpace' | 'hdr' | 'height'>): { scale: string; tag: string | null } {
	const known = hdr ? MATRICES['bt709'] : MATRICES[colorSpace ?? ''];
	return known ?? { scale: height >= HD_HEIGHT ? 'bt709' : 'bt601', tag: null };
}

/**
 * Filters that work in RGB. By itself ffmpeg goes there by the matrix of the video and comes back by that of BT.601, without
 * saying so: greens turn yellow.
 */
export function inRgb(video: VideoFacts, filters: string[]): string[] {
	const { tag } = matrixOf(video);
	// Without a tag ffmpeg goes both ways by BT.601, whatever players do.
	const back = tag === null ? 'bt601' : matrixOf(video).scale;
	return ['format=gbrp', ...filters, `scale=out_color_matrix=${back}:out_range=tv`, 'format=yuv420p', ...(tag === null ? [] : [`setparams=colorspace=${tag}`])];
}
