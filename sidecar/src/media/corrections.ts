import type { VideoFacts } from './facts.ts';

/** No screen shows more; a file that claims more would fill disks with copies of the same picture. */
export const MAX_FRAME_RATE = 240;

export interface CorrectionOptions {
	/** Whether ffmpeg has zscale and tonemap. Without them HDR stays as it is, and looks washed out. Default true. */
	toneMapping?: boolean;
}

/**
 * Pure: filters that every picture of this source passes before anything else, so that operations meet ordinary pictures
 * only: whole ones instead of fields, at even times, in the colours of ordinary screens. Rotation is ffmpeg's own doing,
 * oblong pixels are squared by `scaleTo`, and 8 bits come with the pixel format of the output.
 */
export function corrections(video: VideoFacts, { toneMapping = true }: CorrectionOptions = {}): string[] {
	return [
		// First, because it looks at the pictures before and after. Those that are marked as whole pass untouched.
		...(video.interlaced ? ['bwdif=mode=send_frame:parity=auto:deint=interlaced'] : []),
		...evenTimes(video),
		...(video.hdr && toneMapping ? toneMap(video) : []),
	];
}

/**
 * Uneven times would be rounded to the average rate: pictures that come in quick succession would be lost, and the rest
 * would be late. At an even rate each stays within half a picture of its time, and so in step with the sound.
 */
function evenTimes({ frameRate, variableFrameRate }: VideoFacts): string[] {
	if (frameRate > MAX_FRAME_RATE) return [`fps=${MAX_FRAME_RATE}`];
	return variableFrameRate && frameRate > 0 ? [`fps=${fraction(frameRate)}`] : [];
}

/** 29.97 stands for 30000/1001, and so on. */
function fraction(rate: number): string {
	const whole = Math.round(rate * 1.001);
	return Math.abs((whole * 1000) / 1001 - rate) < 0.001 && !Number.isInteger(rate) ? `${whole * 1000}/1001` : String(rate);
}

/**
 * HDR to BT.709: to linear light with 1.0 at 100 cd/m², the white of ordinary screens, then rolled off by Hable's curve up to
 * 1000 cd/m², for which nearly all HDR is made; what files say of their brightest spot is often wrong, and 10 000 would make
 * everything dim. The paper white of HDR, 203 cd/m² (ITU-R BT.2408), comes out at three quarters, and leaves room for
 * highlights. What files leave out is what HDR10 and HLG prescribe (ITU-R BT.2100).
 */
function toneMap({ hdr, pixelFormat, colorPrimaries, colorSpace, colorRange, storedWidth, storedHeight }: VideoFacts): string[] {
	// zscale refuses subsampled colour of an odd size.
	const odd = storedWidth % 2 === 1 || storedHeight % 2 === 1;
	// Said anew for every picture: zscale gives up where one of them is missing or cannot be.
	const tags = [
		`range=${colorRange ?? 'tv'}`,
		`color_primaries=${colorPrimaries === 'bt709' ? 'bt709' : 'bt2020'}`,
		`color_trc=${hdr === 'pq' ? 'smpte2084' : 'arib-std-b67'}`,
		`colorspace=${/rgb|bgr|gbr/.test(pixelFormat) ? 'gbr' : colorSpace === 'bt709' ? 'bt709' : 'bt2020nc'}`,
	];
	return [
		...(odd ? ['format=yuv444p10le'] : []),
		`setparams=${tags.join(':')}`,
		'zscale=t=linear:npl=100',
		...['format=gbrpf32le', 'zscale=p=bt709', 'tonemap=hable:desat=0:peak=10'],
		...['zscale=t=bt709:m=bt709:r=tv', odd ? 'format=yuv444p' : 'format=yuv420p'],
	];
}
