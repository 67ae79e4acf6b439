import type { NodeOperation } from '../../../shared/operation';
import { brand } from './brand';
import { concatenate } from './concatenate';
import { filter } from './filter';
import { removeSilence } from './removeSilence';
import { scenes } from './scenes';
import { trim } from './trim';
import { watermark } from './watermark';

/** Everything that edits videos. To add one: import it, and name it here. */
export const edits: readonly NodeOperation[] = [trim, concatenate, filter, watermark, brand, scenes, removeSilence];
