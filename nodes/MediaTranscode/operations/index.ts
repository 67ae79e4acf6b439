import type { NodeOperation } from '../../shared/operation';
import { compress } from './compress';
import { convert } from './convert';
import { crop } from './crop';
import { probe } from './probe';
import { several } from './several';
import { thumbnail } from './thumbnail';

/** The first one is preselected. */
export const operations: readonly NodeOperation[] = [compress, convert, crop, probe, several, thumbnail];
