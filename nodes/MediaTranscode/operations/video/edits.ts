import type { NodeOperation } from '../../../shared/operation';
import { concatenate } from './concatenate';
import { filter } from './filter';
import { trim } from './trim';

/** Everything that edits videos. To add one: import it, and name it here. */
export const edits: readonly NodeOperation[] = [trim, concatenate, filter];
