import type { Operation } from '../operation.ts';
import { audioChannels } from './audio-channels.ts';
import { denoiseAudio } from './denoise-audio.ts';
import { extractAudio } from './extract-audio.ts';
import { loudness } from './loudness.ts';
import { mixMusic } from './mix-music.ts';
import { normalizeLoudness } from './normalize-loudness.ts';
import { waveform } from './waveform.ts';

/** Everything that works on sound. To add one: import it, and name it here. */
export const audioOperations: readonly Operation[] = [normalizeLoudness, loudness, extractAudio, audioChannels, waveform, denoiseAudio, mixMusic];
