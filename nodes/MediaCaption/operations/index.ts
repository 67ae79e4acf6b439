import type { NodeOperation } from '../../shared/operation';
import { caption } from './caption';
import { several } from './several';
import { subtitleConvert } from './subtitleConvert';
import { subtitleEdit } from './subtitleEdit';
import { transcribe } from './transcribe';

/** The first one is preselected. */
export const operations: readonly NodeOperation[] = [transcribe, subtitleEdit, subtitleConvert, caption, several];
