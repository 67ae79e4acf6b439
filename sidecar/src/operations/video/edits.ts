import type { Operation } from '../operation.ts';
import { addSubtitles } from './add-subtitles.ts';
import { brand } from './brand.ts';
import { burnSubtitles } from './burn-subtitles.ts';
import { concatenate } from './concatenate.ts';
import { filter } from './filter.ts';
import { removeSilence } from './remove-silence.ts';
import { scenes } from './scenes.ts';
import { trim } from './trim.ts';
import { watermark } from './watermark.ts';

/** Everything that edits videos. To add one: import it, and name it here. */
export const editOperations: readonly Operation[] = [trim, concatenate, filter, watermark, brand, scenes, removeSilence, burnSubtitles, addSubtitles];
