import type { Resource } from '../../../shared/operation';
import { convertAudio } from './convertAudio';
import { extractAudio } from './extractAudio';
import { loudness } from './loudness';
import { normalizeLoudness } from './normalizeLoudness';

export const audio: Resource = { name: 'Audio', value: 'audio', operations: [normalizeLoudness, loudness, extractAudio, convertAudio] };
