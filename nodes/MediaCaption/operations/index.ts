import type { NodeOperation } from '../../shared/operation';
import { analyze } from './analyze';
import { caption } from './caption';
import { findDuplicates } from './findDuplicates';
import { safetyScan } from './safetyScan';
import { several } from './several';
import { subtitleConvert } from './subtitleConvert';
import { subtitleEdit } from './subtitleEdit';
import { transcribe } from './transcribe';

/** The first one is preselected. */
export const operations: readonly NodeOperation[] = [transcribe, subtitleEdit, subtitleConvert, caption, analyze, safetyScan, findDuplicates, several];
