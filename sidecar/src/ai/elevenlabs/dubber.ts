import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { goesOn, PipelineError } from '../../errors.ts';
import { spend } from '../meter.ts';
import { patiently, pauseBudget, type PauseBudget } from '../patience.ts';
import type { DubRequest, Dubber, Spoken } from '../speaker.ts';
import type { ElevenLabsClient } from './client.ts';
import { theirCode } from './languages.ts';

/** https://elevenlabs.io/docs/overview/capabilities/dubbing: 1 GB and two and a half hours by API. */
const MAX_BYTES = 1_000_000_000;
const MAX_SECONDS = 2.5 * 3600;
/** It takes about as long as the recording; then somebody is to look. */
const TIMEOUT_MS = 3 * 3600_000;
const POLL_MS = 5000;
/** A look is answered at once, or not at all. */
const LOOK_TIMEOUT_MS = 60_000;
/** With pauses of 5 s, 10 s, 20 s … it may be away for a quarter of an hour, at once or altogether: a dub is paid. */
const MOST_FAILURES = 9;
const LONGEST_PAUSE_MS = 300_000;
const MOST_PAUSES_MS = 16 * 60_000;
/** To tidy up when the job has ended already. */
const TIDY_MS = 10_000;
/** https://elevenlabs.io/docs/api-reference/dubbing/list: 200 a page at most, the newest first. */
const PAGE = 200;
const MOST_PAGES = 5;

/** The answer is all that tells of something paid: only what cannot be done without is insisted on. */
const createdSchema = z.object({ dubbing_id: z.string().min(1), expected_duration_sec: z.number().nullish() });
const stateSchema = z.object({
	status: z.string(),
	error: z.string().nullish(),
	media_metadata: z.object({ duration: z.number() }).nullish(),
});
const listSchema = z.object({
	dubs: z.array(z.object({ dubbing_id: z.string().min(1), name: z.string().nullish(), status: z.string() })),
	next_cursor: z.string().nullish(),
	has_more: z.boolean(),
});

interface Begun {
	id: string;
	/** Seconds that it will take; null: it was begun by an earlier try. */
	expected: number | null;
	/** Seconds that are charged, once they are known. */
	charged?: number | undefined;
}

/**
 * The dubbing API (`/v1/dubbing`): translated, spoken with the voices of the original and placed in one go. Its successor,
 * `/v1/dubbing/project`, is still opened by hand for single accounts. A dub is paid when it is begun, so it is begun once: it
 * bears the name of the work, and a later try follows the one that it finds there. What was uploaded is deleted afterwards,
 * except where such a try may come, also one that somebody asks for after the last.
 */
export function createElevenLabsDubber({ client, pollMs = POLL_MS }: { client: ElevenLabsClient; pollMs?: number | undefined }): Dubber {
	const model = 'dubbing';
	const patience = (signal: AbortSignal, budget: PauseBudget) => ({ signal, budget, failures: MOST_FAILURES, pauseMs: pollMs, longestMs: LONGEST_PAUSE_MS });

	async function begin({ audioPath, from, to, signal }: DubRequest, name: string): Promise<Begun> {
		const form = new FormData();
		form.set('name', name);
		form.set('target_lang', theirCode(to));
		form.set('source_lang', from ? theirCode(from) : 'auto');
		form.set('num_speakers', '0');
		form.set('watermark', 'false');
		form.set('file', await openAsBlob(audioPath, { type: 'audio/mpeg' }), 'speech.mp3');
		const made = await client.json({ action: 'dub', method: 'POST', path: '/v1/dubbing', body: form, signal }, createdSchema);
		return { id: made.dubbing_id, expected: made.expected_duration_sec ?? null };
	}

	async function find(name: string, signal: AbortSignal, budget: PauseBudget): Promise<Begun | null> {
		let cursor: string | null = null;
		for (let page = 0; page < MOST_PAGES; page++) {
			const query: Record<string, string> = { page_size: String(PAGE), ...(cursor ? { cursor } : {}) };
			const ask = () => client.json({ action: 'look for a dub', method: 'GET', path: '/v1/dubbing', query, timeoutMs: LOOK_TIMEOUT_MS, signal }, listSchema);
			// A key may be allowed to dub and not to list: then there is nothing to go on with.
			const answer: z.infer<typeof listSchema> | null = await patiently(ask, patience(signal, budget)).catch((error: unknown) => {
				if (error instanceof PipelineError && !error.retryable) return null;
				throw error;
			});
			const found = answer?.dubs.find((dub) => dub.name === name && dub.status !== 'failed');
			if (found) return { id: found.dubbing_id, expected: null };
			cursor = answer?.has_more ? (answer.next_cursor ?? null) : null;
			if (!cursor) return null;
		}
		return null;
	}

	async function follow(begun: Begun, { to, path, signal, onProgress }: DubRequest, budget: PauseBudget): Promise<Spoken> {
		const { id, expected } = begun;
		const place = placeOf(id);
		const started = Date.now();
		for (;;) {
			const look = () => client.json({ action: 'look at a dub', method: 'GET', path: place, timeoutMs: LOOK_TIMEOUT_MS, signal }, stateSchema);
			const { status, error, media_metadata: media } = await patiently(look, patience(signal, budget)).catch((gone: unknown) => {
				// Another worker that had lost the job has tidied up. The next try begins anew.
				if (gone instanceof PipelineError && gone.details?.['status'] === 404) throw new PipelineError('provider_unavailable', 'The dub is not at ElevenLabs any more.', { cause: gone });
				throw gone;
			});
			begun.charged = status === 'failed' ? undefined : (media?.duration ?? begun.charged);
			if (status === 'failed') throw new PipelineError('provider_rejected', `ElevenLabs could not dub this: ${(error ?? 'it does not say why').slice(0, 300)}`);
			if (status === 'dubbed') {
				const file = `${path}.mp3`;
				await patiently(() => client.file({ action: 'fetch a dub', method: 'GET', path: `${place}/audio/${theirCode(to)}`, signal }, file), patience(signal, budget));
				onProgress?.(100);
				return { path: file, usage: begun.charged === undefined ? {} : { audio_seconds: begun.charged }, provider: 'elevenlabs', model };
			}
			const spent = Date.now() - started;
			if (spent > TIMEOUT_MS) throw new PipelineError('provider_unavailable', `ElevenLabs was not done with the dub within ${TIMEOUT_MS / 3600_000} hours.`);
			onProgress?.(Math.min(95, spent / 10 / Math.max(1, expected ?? 60) || 1));
			await wait(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted());
		}
	}

	return {
		name: 'elevenlabs',
		model,
		obstacle: () => client.obstacle(),
		async dub(request) {
			const { audioPath, durationSeconds, key, again, signal } = request;
			if ((await stat(audioPath)).size > MAX_BYTES) throw new PipelineError('input_too_large', 'ElevenLabs dubs at most 1 GB of sound at once. Trim it, or dub its parts.');
			if (durationSeconds > MAX_SECONDS) {
				throw new PipelineError('input_too_large', `ElevenLabs dubs at most ${MAX_SECONDS / 60} minutes at once; these are ${Math.round(durationSeconds / 60)}. Trim it, dub its parts, or set engine to "voices".`);
			}
			const name = `media-pipeline ${key}`;
			const budget = pauseBudget(MOST_PAUSES_MS);
			const begun = (again ? await find(name, signal, budget) : null) ?? (await begin(request, name));
			let needed = false;
			try {
				return await follow(begun, request, budget);
			} catch (error) {
				needed = signal.aborted ? goesOn(signal.reason) : error instanceof PipelineError && error.retryable;
				// Where a later try goes on with it, that one tells.
				if (!needed && begun.charged !== undefined) spend({ audio_seconds: begun.charged });
				throw error;
			} finally {
				// The job must not wait long for this, nor fail.
				if (!needed) await client.json({ action: 'delete a dub', method: 'DELETE', path: placeOf(begun.id), signal: AbortSignal.timeout(TIDY_MS) }, z.unknown()).catch(() => {});
			}
		},
	};
}

const placeOf = (id: string): string => `/v1/dubbing/${encodeURIComponent(id)}`;
