import type { Resource } from '../../../shared/operation';
import { audioChannels } from './audioChannels';
import { convertAudio } from './convertAudio';
import { denoiseAudio } from './denoiseAudio';
import { extractAudio } from './extractAudio';
import { loudness } from './loudness';
import { mixMusic } from './mixMusic';
import { normalizeLoudness } from './normalizeLoudness';
import { waveform } from './waveform';

export const audio: Resource = { name: 'Audio', value: 'audio', operations: [normalizeLoudness, loudness, extractAudio, convertAudio, audioChannels, waveform, denoiseAudio, mixMusic] };
