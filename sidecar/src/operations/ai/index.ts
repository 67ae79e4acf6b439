import type { Ai } from '../../ai/ai.ts';
import type { Database } from '../../db/database.ts';
import { glossaryOf, wordsOf } from '../../db/feedback.ts';
import type { Operation } from '../operation.ts';
import { createCaption } from './caption.ts';
import type { Engine } from './engine.ts';
import { createTranscribe } from './transcribe.ts';
import { createTranslate } from './translate.ts';

export interface AiOperationsDeps {
	ai: Ai;
	engine: Engine;
	db: Database;
	/** Whether faces may be looked for at all (ALLOW_FACES). */
	facesAllowed: boolean;
}

/** Operations that understand, write and find. To add one: import it, and name it here. */
export function createAiOperations({ ai, engine, db }: AiOperationsDeps): Operation[] {
	return [
		createTranscribe({ transcriber: ai.transcribe, engine, corrections: (workspaceId, language) => wordsOf(db, workspaceId, { language }) }),
		createCaption({ writer: ai.write, engine }),
		createTranslate({ translator: ai.translate, glossary: (workspaceId, language) => glossaryOf(db, workspaceId, { language }) }),
	];
}
