import type { Metadata } from 'sharp';
import type { AnimationFacts } from './facts.ts';
import type { ProbeJson } from './ffprobe-facts.ts';

/** What ffprobe would say of a picture that it cannot read (AVIF, animated WebP), from what sharp says. Pure. */
export function asProbeJson(metadata: Metadata, codec: string): ProbeJson {
	const { width, height } = metadata.autoOrient;
	const deep = (metadata.bitsPerSample ?? 8) > 8;
	return {
		format: { format_name: codec === 'webp' ? 'webp_pipe' : 'avif' },
		streams: [
			{
				codec_type: 'video',
				codec_name: codec,
				width,
				height,
				pix_fmt: `yuv${metadata.hasAlpha ? 'a' : ''}420p${deep ? '10le' : ''}`,
			},
		],
	};
}

/** Null for a still. */
export function animationOf({ delay, pages = 1, loop = 0 }: Pick<Metadata, 'delay' | 'pages' | 'loop'>): AnimationFacts | null {
	if (!delay || pages < 2) return null;
	return { frames: pages, durationSeconds: delay.reduce((sum, milliseconds) => sum + milliseconds, 0) / 1000, loops: loop };
}

/** The animation flag of an extended WebP (container specification, "Extended File Format"). */
export function isAnimatedWebp(head: Uint8Array): boolean {
	const text = Buffer.from(head.subarray(0, 21)).toString('latin1');
	return text.startsWith('RIFF') && text.slice(8, 16) === 'WEBPVP8X' && ((head[20] ?? 0) & 0x02) !== 0;
}

/** Older encoders write AVIF under the general brand `mif1` and name `avif` only among the compatible ones. */
export function isAvif(head: Uint8Array): boolean {
	const bytes = Buffer.from(head);
	if (bytes.length < 16 || bytes.toString('latin1', 4, 8) !== 'ftyp') return false;
	const brands = bytes.toString('latin1', 8, Math.min(bytes.readUInt32BE(0), bytes.length));
	return /^(.{4})*?(avif|avis)/s.test(brands);
}
