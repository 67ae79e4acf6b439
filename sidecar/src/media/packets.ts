import type { InputFormat } from './formats.ts';
import { asFileUrl, inputArguments } from './ffmpeg-input.ts';
import { runTool } from './process.ts';

/** Reading 100 GB from a slow disk. */
const TIMEOUT_MS = 600_000;

export interface WhichStreams {
	video: boolean;
	/** Number of the sound track; `all`: whichever ends last. */
	audio: number | 'all' | null;
}

/** How far the packets of a file go, seconds from its beginning: read through without decoding. 0 where that fails. */
export async function packetsEnd(path: string, { demuxer }: InputFormat, { video, audio }: WhichStreams, signal?: AbortSignal): Promise<number> {
	const { code, stdout } = await runTool(
		'ffmpeg',
		[
			...['-nostdin', '-v', 'error', ...inputArguments(demuxer), '-i', asFileUrl(path)],
			...(video ? ['-map', '0:V?'] : []),
			...(audio === null ? [] : ['-map', audio === 'all' ? '0:a?' : `0:a:${audio}?`]),
			...['-c', 'copy', '-progress', 'pipe:1', '-f', 'null', '-'],
		],
		{ timeoutMs: TIMEOUT_MS, ...(signal ? { signal } : {}) },
	);
	const last = stdout.match(/^out_time_us=(\d+)$/gm)?.at(-1);
	return code === 0 && last ? Number(last.slice('out_time_us='.length)) / 1e6 : 0;
}
