import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { backoffMs, throttleSeconds, TRIES } from '../call.ts';
import { HttpFailure } from '../outcome.ts';
import type { PlatformRun, PostMedia, PostSubtitles } from '../platform.ts';
import type { SendYouTube } from './send.ts';
import { reasonOf, whyEnded } from './errors.ts';

/** What of the extras has been done: tracks by language and name. */
export const extrasSchema = z.object({
	thumbnail: z.boolean().default(false),
	tracks: z.record(z.string(), z.enum(['begun', 'done'])).default({}),
});

const statusAnswer = z.object({
	items: z
		.array(
			z.object({
				status: z.object({
					privacyStatus: z.string(),
					publishAt: z.string().optional(),
					uploadStatus: z.string().optional(),
					failureReason: z.string().optional(),
					rejectionReason: z.string().optional(),
				}),
			}),
		)
		.default([]),
});
const tracksAnswer = z.object({ items: z.array(z.object({ snippet: z.object({ language: z.string(), name: z.string() }) })).default([]) });

/** What can only be added to a video that exists, and what YouTube made of it (platforms.md 4.1, 4.4). */
export function createExtras(send: SendYouTube) {
	/** What the user should know of the state that YouTube gave the video. */
	async function readBack(run: PlatformRun, videoId: string): Promise<string[]> {
		const { data } = await send(run, { action: 'read the video', effect: 'read', method: 'GET', path: `/videos?part=status&id=${videoId}`, schema: statusAnswer });
		const status = data.items[0]?.status;
		if (!status) return [];
		const { uploadStatus, failureReason, rejectionReason, privacyStatus, publishAt } = status;
		if (uploadStatus === 'failed' || uploadStatus === 'rejected') return [`YouTube did not keep the video because ${whyEnded(failureReason ?? rejectionReason)}.`];
		const wanted = run.post.scheduledAt ? 'public' : (run.post.visibility ?? 'public');
		const waits = run.post.scheduledAt !== null && publishAt !== undefined;
		if (privacyStatus === wanted || waits) return [];
		if (privacyStatus !== 'private') return [`The video is ${privacyStatus}, though it was to be ${wanted}: its upload had been begun so. Change it in YouTube Studio.`];
		return [
			`YouTube made the video private although it was to be ${wanted}. That happens to all uploads of a Google Cloud project that has not passed YouTube's audit of API clients, and they stay private: apply for the audit.`,
		];
	}

	async function setThumbnail(run: PlatformRun, videoId: string, { path, bytes, mime }: PostMedia): Promise<void> {
		await send(run, {
			action: 'set the thumbnail',
			effect: 'upload',
			method: 'POST',
			upload: true,
			path: `/thumbnails/set?videoId=${videoId}&uploadType=media`,
			body: { kind: 'file', path, start: 0, end: bytes, mime },
			schema: z.unknown(),
		});
	}

	/** Once, although there is no key: a repeat looks first whether the track is there (a look costs 50 units, an insert 400). */
	async function addTrack(run: PlatformRun, videoId: string, { language, label, srt }: PostSubtitles, begun: boolean): Promise<void> {
		for (let attempt = 1; ; attempt += 1) {
			if (begun || attempt > 1) {
				const { data } = await send(run, { action: 'list the subtitles', effect: 'read', method: 'GET', path: `/captions?part=snippet&videoId=${videoId}`, schema: tracksAnswer });
				if (data.items.some(({ snippet }) => snippet.language.toLowerCase() === language.toLowerCase() && snippet.name === label)) return;
			}
			try {
				await send(run, {
					action: `add the subtitles "${language}"`,
					// Not repeated blindly: the second track would stand beside the first.
					effect: 'publish',
					method: 'POST',
					upload: true,
					path: '/captions?part=snippet&uploadType=multipart',
					body: related({ snippet: { videoId, language, name: label, isDraft: false } }, srt),
					schema: z.unknown(),
				});
				return;
			} catch (error) {
				if (!(error instanceof HttpFailure)) throw error;
				// The name of this refusal is unconfirmed; its status is not.
				if (error.status === 409 || reasonOf(error.body) === 'captionExists') return;
				const pauseMs = error.decision === 'wait' ? throttleSeconds(error, run.now()) * 1000 : backoffMs(attempt, run.random);
				if (!['unknown', 'retry', 'wait'].includes(error.decision) || attempt === TRIES || pauseMs > run.maxWaitSeconds * 1000) throw error;
				await run.sleep(pauseMs);
			}
		}
	}

	/** One part: what is refused is a warning, what passes (token, quota) ends the run and is done later. */
	async function attempt(what: string, work: () => Promise<string[] | void>): Promise<string[]> {
		try {
			return (await work()) ?? [];
		} catch (error) {
			if (!(error instanceof HttpFailure) || error.decision === 'reauth' || error.decision === 'wait') throw error;
			return [`${what}: ${error.detail || error.message}${error.hint ? ` ${error.hint}` : ''}`];
		}
	}

	return async function addExtras(run: PlatformRun, videoId: string): Promise<string[]> {
		const { cover, subtitles } = run.post;
		const warnings = await attempt('What YouTube made of the video is not known', () => readBack(run, videoId));
		const save = (change: Partial<z.infer<typeof extrasSchema>>) => run.save({ ...run.state, extras: { ...extrasSchema.parse(run.state['extras'] ?? {}), ...change } });
		if (cover && !extrasSchema.parse(run.state['extras'] ?? {}).thumbnail) {
			warnings.push(
				...(await attempt('The thumbnail was not set', async () => {
					await setThumbnail(run, videoId, cover);
					await save({ thumbnail: true });
				})),
			);
		}
		for (const track of subtitles) {
			const key = `${track.language}|${track.label}`;
			const { tracks } = extrasSchema.parse(run.state['extras'] ?? {});
			if (tracks[key] === 'done') continue;
			warnings.push(
				...(await attempt(`The subtitles "${track.label}" were not added`, async () => {
					await save({ tracks: { ...tracks, [key]: 'begun' } });
					await addTrack(run, videoId, track, tracks[key] === 'begun');
					await save({ tracks: { ...tracks, [key]: 'done' } });
				})),
			);
		}
		return warnings;
	};
}

/** JSON and a file in one body (multipart/related). */
function related(resource: object, file: string): { kind: 'bytes'; content: Buffer; mime: string } {
	const boundary = `media-pipeline-${randomUUID()}`;
	const parts = [
		`--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(resource)}\r\n`,
		`--${boundary}\r\nContent-Type: application/octet-stream\r\n\r\n${file}\r\n`,
		`--${boundary}--\r\n`,
	];
	return { kind: 'bytes', content: Buffer.from(parts.join('')), mime: `multipart/related; boundary=${boundary}` };
}
