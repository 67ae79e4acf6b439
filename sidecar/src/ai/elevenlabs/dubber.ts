import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import type { Dubber } from '../speaker.ts';
import type { ElevenLabsClient } from './client.ts';

/** https://elevenlabs.io/docs/overview/capabilities/dubbing: 1 GB and two and a half hours by API. */
const MAX_BYTES = 1_000_000_000;
/** It takes about as long as the recording; then somebody is to look. */
const TIMEOUT_MS = 3 * 3600_000;
const POLL_MS = 5000;
/** To tidy up when the job has ended already. */
const TIDY_MS = 10_000;

const createdSchema = z.object({ dubbing_id: z.string().min(1), expected_duration_sec: z.number() });
const stateSchema = z.object({
	status: z.string(),
	error: z.string().nullish(),
	media_metadata: z.object({ duration: z.number() }).nullish(),
});

/**
 * The dubbing API (`/v1/dubbing`): translated, spoken with the voices of the original and placed in one go. Its successor,
 * `/v1/dubbing/project`, is still opened by hand for single accounts. What was uploaded is deleted there afterwards.
 */
export function createElevenLabsDubber({ client, pollMs = POLL_MS }: { client: ElevenLabsClient; pollMs?: number | undefined }): Dubber {
	const model = 'dubbing';
	return {
		name: 'elevenlabs',
		model,
		obstacle: () => client.obstacle(),
		async dub({ audioPath, from, to, path, signal, onProgress }) {
			if ((await stat(audioPath)).size > MAX_BYTES) throw new PipelineError('input_too_large', 'ElevenLabs dubs at most 1 GB of sound at once. Trim it, or dub its parts.');
			const form = new FormData();
			form.set('target_lang', to);
			form.set('source_lang', from ?? 'auto');
			form.set('num_speakers', '0');
			form.set('watermark', 'false');
			form.set('file', await openAsBlob(audioPath, { type: 'audio/mpeg' }), 'speech.mp3');
			const { dubbing_id: id, expected_duration_sec: expected } = await client.json({ action: 'dub', method: 'POST', path: '/v1/dubbing', body: form, signal }, createdSchema);
			const place = `/v1/dubbing/${encodeURIComponent(id)}`;
			try {
				const started = Date.now();
				for (;;) {
					const { status, error, media_metadata: media } = await client.json({ action: 'look at a dub', method: 'GET', path: place, signal }, stateSchema);
					if (status === 'failed') throw new PipelineError('provider_rejected', `ElevenLabs could not dub this: ${(error ?? 'it does not say why').slice(0, 300)}`);
					if (status === 'dubbed') {
						const file = `${path}.mp3`;
						await client.file({ action: 'fetch a dub', method: 'GET', path: `${place}/audio/${to}`, signal }, file);
						onProgress?.(100);
						const usage: Record<string, number> = media ? { audio_seconds: media.duration } : {};
						return { path: file, usage, provider: 'elevenlabs', model };
					}
					const spent = Date.now() - started;
					if (spent > TIMEOUT_MS) throw new PipelineError('provider_unavailable', `ElevenLabs was not done with the dub within ${TIMEOUT_MS / 3600_000} hours.`);
					onProgress?.(Math.min(95, (spent / 10 / Math.max(1, expected)) || 1));
					await wait(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted());
				}
			} finally {
				// Nobody needs it there any more, whatever came of it; the job must not wait long for this, nor fail.
				await client.json({ action: 'delete a dub', method: 'DELETE', path: place, signal: AbortSignal.timeout(TIDY_MS) }, z.unknown()).catch(() => {});
			}
		},
	};
}
