import { rename } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { PipelineError } from '../../errors.ts';
import { openPicture, writePicture } from '../../media/images.ts';
import { limitProblems } from '../../media/platform-check.ts';
import type { MediaLimits, VideoPlatformName } from '../../media/platform-limits.ts';
import type { PictureFormat } from '../../media/picture-formats.ts';
import type { MediaFacts } from '../../media/facts.ts';
import { asReadByFfmpeg } from '../../media/picture-readers.ts';
import type { Limits, Post, PostMedia } from '../../social/platform.ts';
import { kindOf } from '../../social/validate.ts';
import type { TaskContext } from '../operation.ts';
import { runMedia, type MediaRun } from '../run-media.ts';
import { preset } from '../video/preset.ts';
import { hashOf } from './assemble.ts';

/** Where renditions that are made for a post are kept: a try after this one must send the same bytes, and some platforms fetch them. */
export interface FittedFiles {
	/** The file of an earlier try of the same job; null: there is none. */
	find(context: Pick<TaskContext, 'jobId' | 'workspaceId' | 'workDir' | 'signal'>, name: string): Promise<{ path: string; url: string } | null>;
	/** Moves it to where it stays. */
	keep(context: Pick<TaskContext, 'jobId' | 'workspaceId' | 'workDir' | 'signal'>, name: string, path: string): Promise<{ path: string; url: string }>;
	/** The post is out: it is needed no more. A path that was answered stays readable while the operation runs. */
	release(context: Pick<TaskContext, 'jobId' | 'workspaceId'>, name: string): Promise<void>;
}

export interface FitMediaDeps {
	runPlan: MediaRun['runPlan'];
	probe(path: string, options: { signal?: AbortSignal }): Promise<MediaFacts>;
	files: FittedFiles;
}

export interface FittedMedia {
	media: PostMedia[];
	/** What was changed, in words for the user. */
	changes: string[];
}

/** Makes what the platform takes of every file that it would refuse: videos by its preset, pictures as JPEG of its size and shape. */
export async function fitMedia(deps: FitMediaDeps, context: TaskContext, post: Post, limits: Limits): Promise<FittedMedia> {
	const media: PostMedia[] = [];
	const changes: string[] = [];
	for (const [index, one] of post.media.entries()) {
		const kind = kindOf(one);
		const allowed = limits.media[kind];
		const wrong = allowed ? limitProblems({ ...one.facts, mime: one.mime, bytes: one.bytes }, allowed) : [];
		const { videoPreset } = limits;
		const make = kind === 'image' ? fitPicture : kind === 'video' && videoPreset !== undefined ? fitVideo(deps, videoPreset) : null;
		if (!allowed || wrong.length === 0 || !make) {
			media.push(one);
			continue;
		}
		const name = `fitted-${index + 1}${kind === 'image' ? '.jpg' : '.mp4'}`;
		const kept =
			(await deps.files.find(context, name)) ??
			(await deps.files.keep(context, name, await make(context, one, allowed, name)));
		const facts = await deps.probe(kept.path, { signal: context.signal });
		media.push({ ...one, ...kept, facts, mime: facts.mime, bytes: facts.bytes, sha256: await hashOf(kept.path, context.signal) });
		changes.push(`media[${index}] was made anew: ${wrong.map(({ message }) => message).join(' ')}`);
	}
	return { media, changes };
}

/** Makes one file anew; answers where it is. */
type Make = (context: TaskContext, media: PostMedia, limits: MediaLimits, name: string) => Promise<string>;

const fitVideo = ({ runPlan, probe }: FitMediaDeps, platform: VideoPlatformName): Make => async (context, media, _limits, name) => {
	const { workDir, signal, log, step, progress } = context;
	const source = await asReadByFfmpeg({ path: media.path, facts: media.facts }, context);
	const params = preset.params.parse({ platform, too_long: 'trim' });
	const run: MediaRun = { source, inputs: [], workDir, signal, log, step, runPlan, probe, onProgress: (percent) => progress(Math.round(percent * 0.3)) };
	const { files = [] } = await runMedia(preset, params, run);
	const [made] = files;
	if (!made) throw new PipelineError('internal', 'The rendition for the platform was not made.');
	const path = join(workDir, name);
	await rename(made.path, path);
	return path;
};

/** What looks right on every platform, then smaller files. */
const QUALITIES = [88, 80, 70, 60, 45];

/** A JPEG in the platform's size and shape; what is outside of the shape becomes white, so that nothing is cut off. */
async function fitPicture(context: TaskContext, media: PostMedia, limits: MediaLimits, name: string): Promise<string> {
	const picture = await openPicture({ path: media.path, facts: media.facts }, context);
	const { frame, inner } = frameFor(picture, limits);
	const format: PictureFormat = limits.mimes.includes('image/jpeg') ? 'jpeg' : 'png';
	let path = '';
	for (const quality of QUALITIES) {
		const chain = picture.open({ still: true }).resize({ ...inner, fit: 'fill' });
		const framed =
			inner.width === frame.width && inner.height === frame.height
				? chain
				: chain.extend({
						left: Math.floor((frame.width - inner.width) / 2),
						right: Math.ceil((frame.width - inner.width) / 2),
						top: Math.floor((frame.height - inner.height) / 2),
						bottom: Math.ceil((frame.height - inner.height) / 2),
						background: '#ffffff',
					});
		const made = await writePicture(framed, { format, quality, size: frame }, name.slice(0, -extname(name).length), context);
		path = made.path;
		if (made.bytes <= (limits.maxBytes ?? Infinity)) return path;
	}
	return path;
}

interface Size {
	width: number;
	height: number;
}

/** The picture scaled into the limits (`inner`), and the frame that has a shape which the platform takes. Pure. */
export function frameFor({ width, height }: Size, limits: MediaLimits): { frame: Size; inner: Size } {
	const { minRatio = 0, maxRatio = Infinity } = limits;
	// What is longer than that could not keep both its shortest and its longest side.
	const maxAspect = Math.min(limits.maxAspect ?? Infinity, Math.min(limits.maxLongSide ?? Infinity, limits.maxWidth ?? Infinity) / (limits.minSide ?? 1));
	const ratio = width / height;
	const target = Math.min(Math.max(ratio, minRatio, 1 / maxAspect), maxRatio, maxAspect);
	// The frame around the picture at its own size; then both are scaled together.
	const around: Size = ratio > target ? { width, height: width / target } : { width: height * target, height };
	const long = Math.max(around.width, around.height);
	const short = Math.min(around.width, around.height);
	const most = Math.min(
		1,
		(limits.maxLongSide ?? Infinity) / long,
		(limits.maxShortSide ?? Infinity) / short,
		(limits.maxWidth ?? Infinity) / around.width,
		Math.sqrt((limits.maxPixels ?? Infinity) / (around.width * around.height)),
	);
	const least = Math.max((limits.minSide ?? 1) / short, (limits.minWidth ?? 1) / around.width, (limits.minHeight ?? 1) / around.height);
	const factor = Math.max(most, least);
	const side = (length: number): number => Math.max(1, Math.floor(length * factor + 1e-6));
	const whole = { width: side(around.width), height: side(around.height) };
	// Cut to whole pixels it may have become a little too long.
	const longest = Math.max(1, Math.floor(Math.min(whole.width, whole.height) * maxAspect));
	const frame = { width: Math.min(whole.width, longest), height: Math.min(whole.height, longest) };
	return { frame, inner: { width: Math.min(frame.width, side(width)), height: Math.min(frame.height, side(height)) } };
}
