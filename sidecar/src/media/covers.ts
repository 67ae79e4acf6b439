import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { PipelineError } from '../errors.ts';
import type { MediaFacts } from './facts.ts';
import { asFileUrl, inputArguments, MAX_ALLOCATION } from './ffmpeg-input.ts';
import { INPUT_FORMATS } from './formats.ts';
import { runTool } from './process.ts';

/** Cover pictures of a sound: no part of what operations make, but players and platforms show them. */

/** Front, back, leaflet: more than players know what to do with (ID3v2 has 21 kinds). */
const MOST_COVERS = 21;
const TIMEOUT_MS = 60_000;

/** As JPEG files in the work folder, with sides of at most `maxSide`; `unread`: those that are damaged. */
export async function coverPictures(
	{ path, facts }: { path: string; facts: MediaFacts },
	maxSide: number,
	{ workDir, signal }: { workDir: string; signal: AbortSignal },
): Promise<{ paths: string[]; unread: number }> {
	const format = INPUT_FORMATS[facts.mime];
	if (!format) return { paths: [], unread: 0 };
	const input = [...MAX_ALLOCATION, ...inputArguments(format.demuxer)];
	const counted = await runTool('ffprobe', ['-v', 'error', ...input, '-select_streams', 'v', '-show_entries', 'stream=index', '-of', 'csv=p=0', '-i', asFileUrl(path)], { timeoutMs: TIMEOUT_MS, signal });
	if (counted.code !== 0) throw new PipelineError('input_corrupt', 'The file could not be looked through for cover pictures. Upload or export it again.', { cause: new Error(counted.stderr) });
	const count = Math.min(MOST_COVERS, counted.stdout.split('\n').filter((line) => line.trim() !== '').length);
	const paths: string[] = [];
	for (let index = 0; index < count; index++) {
		const target = join(workDir, `cover-${randomUUID()}.jpg`);
		const scale = `scale='min(${maxSide},iw)':'min(${maxSide},ih)':force_original_aspect_ratio=decrease`;
		const made = await runTool(
			'ffmpeg',
			['-hide_banner', '-nostdin', '-y', '-v', 'error', ...input, '-i', asFileUrl(path), '-map', `0:v:${index}`, '-frames:v', '1', '-vf', scale, '-q:v', '2', '-pix_fmt', 'yuvj420p', '-update', '1', '-f', 'image2', asFileUrl(target)],
			{ timeoutMs: TIMEOUT_MS, signal },
		);
		if (made.code === 0) paths.push(target);
	}
	return { paths, unread: count - paths.length };
}
