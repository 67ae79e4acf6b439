import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { PipelineError } from '../errors.ts';
import type { PlannedOutput, ProducedFile } from './plan.ts';

/** Files of a package by extension: HLS (RFC 8216 section 10), DASH (ISO/IEC 23009-1 annex C), CMAF segments. */
const MIME: Readonly<Record<string, string>> = {
	'.m3u8': 'application/vnd.apple.mpegurl',
	'.mpd': 'application/dash+xml',
	'.m4s': 'video/iso.segment',
	'.mp4': 'video/mp4',
	'.ts': 'video/mp2t',
	'.vtt': 'text/vtt',
	'.jpg': 'image/jpeg',
};

/** The manifests that players are given come first; all else is a part. */
export async function packageFiles(planned: PlannedOutput, from: string, to: string): Promise<ProducedFile[]> {
	const names = (await readdir(from)).sort();
	const main = basename(planned.name);
	if (!names.includes(main)) {
		throw new PipelineError('processing_failed', `ffmpeg ended well, but wrote no ${planned.name}. The log of the sidecar has its words.`);
	}
	const folder = dirname(planned.name);
	return names
		.map((name) => ({
			name: `${folder}/${name}`,
			path: join(to, name),
			mime: MIME[extname(name)] ?? 'application/octet-stream',
			...(name === main || /^master\./.test(name) ? {} : { part: true as const }),
		}))
		.sort((a, b) => Number(a.part ?? false) - Number(b.part ?? false));
}
