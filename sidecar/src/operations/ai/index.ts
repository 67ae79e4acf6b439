import type { Ai } from '../../ai/ai.ts';
import type { Database } from '../../db/database.ts';
import { captionExamples, glossaryOf, wordsOf } from '../../db/feedback.ts';
import type { Operation } from '../operation.ts';
import { createAnalyze } from './analyze.ts';
import { createCaption } from './caption.ts';
import { createDub } from './dub.ts';
import type { Engine } from './engine.ts';
import { createFeedback } from './feedback.ts';
import { createFindDuplicates } from './find-duplicates.ts';
import type { GiveFeedback } from './give-feedback.ts';
import { createIndexAsset, type TellLanguage } from './index-asset.ts';
import type { Library } from './library.ts';
import { foundBefore } from './safety-findings.ts';
import { createSafetyScan } from './safety-scan.ts';
import { createSearch } from './search.ts';
import { subtitleConvert } from './subtitle-convert.ts';
import { subtitleEdit } from './subtitle-edit.ts';
import { createTranscribe } from './transcribe.ts';
import { createTranslate } from './translate.ts';

export interface AiOperationsDeps {
	ai: Ai;
	engine: Engine;
	db: Database;
	/** Whether faces may be looked for at all (ALLOW_FACES). */
	facesAllowed: boolean;
	library: Library;
	giveFeedback: GiveFeedback;
	tellLanguage: TellLanguage;
}

/** Operations that understand, write and find. To add one: import it, and name it here. */
export function createAiOperations({ ai, engine, db, facesAllowed, library, giveFeedback, tellLanguage }: AiOperationsDeps): Operation[] {
	const glossary = (workspaceId: string, language: string) => glossaryOf(db, workspaceId, { language });
	return [
		createTranscribe({ transcriber: ai.transcribe, engine, corrections: (workspaceId, language) => wordsOf(db, workspaceId, { language }), tellLanguage }),
		subtitleEdit,
		subtitleConvert,
		createCaption({ writer: ai.write, engine, examples: (workspaceId, platform, most) => captionExamples(db, workspaceId, { platform, most }) }),
		createTranslate({ translator: ai.translate, glossary }),
		createDub({ speaker: ai.speak, dubber: ai.dub, translator: ai.translate, engine, glossary }),
		createAnalyze({ ai, engine, db, facesAllowed }),
		createSafetyScan({ moderator: ai.moderate, engine, foundBefore: (asset) => foundBefore(db, asset) }),
		createFindDuplicates({ db }),
		createIndexAsset({ ai, engine, db, tellLanguage }),
		createSearch({ library }),
		createFeedback({ give: giveFeedback }),
	];
}
