import { enginesFolder } from '../../scripts/lib/engines-install.mjs';
import { createEngines } from '../../sidecar/src/ai/local/engines.ts';
import { createSilero } from '../../sidecar/src/ai/local/silero.ts';
import type { TranscribeOptions } from '../../sidecar/src/ai/transcriber.ts';
import type { VoiceActivity } from '../../sidecar/src/ai/voice-activity.ts';

/** The installed one. */
export const silero = async (): Promise<VoiceActivity> => createSilero(createEngines(await enginesFolder()));

/** Options that never abort. */
export const calmly = (): Pick<TranscribeOptions, 'signal'> => ({ signal: new AbortController().signal });
