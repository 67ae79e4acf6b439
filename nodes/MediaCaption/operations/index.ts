import type { NodeOperation } from '../../shared/operation';
import { addSubtitles } from './addSubtitles';
import { analyze } from './analyze';
import { burnSubtitles } from './burnSubtitles';
import { caption } from './caption';
import { dub } from './dub';
import { findDuplicates } from './findDuplicates';
import { giveFeedback } from './giveFeedback';
import { indexForSearch } from './indexForSearch';
import { safetyScan } from './safetyScan';
import { search } from './search';
import { several } from './several';
import { subtitleConvert } from './subtitleConvert';
import { subtitleEdit } from './subtitleEdit';
import { transcribe } from './transcribe';
import { translate } from './translate';

/** The first one is preselected. */
export const operations: readonly NodeOperation[] = [transcribe, subtitleEdit, subtitleConvert, burnSubtitles, addSubtitles, translate, dub, caption, analyze, safetyScan, findDuplicates, indexForSearch, search, giveFeedback, several];
