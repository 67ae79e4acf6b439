import type { Operation } from '../operation.ts';
import { concatenate } from './concatenate.ts';
import { filter } from './filter.ts';
import { trim } from './trim.ts';

/** Everything that edits videos. To add one: import it, and name it here. */
export const editOperations: readonly Operation[] = [trim, concatenate, filter];
