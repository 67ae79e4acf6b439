import type { Writer } from '../../../sidecar/src/ai/writer.ts';
import type { Transcriber } from '../../../sidecar/src/ai/transcriber.ts';
import { createCaption } from '../../../sidecar/src/operations/ai/caption.ts';
import { createTranscribe } from '../../../sidecar/src/operations/ai/transcribe.ts';
import type { Operation } from '../../../sidecar/src/operations/operation.ts';
import { createMediaOperations } from '../../../sidecar/src/operations/registry.ts';

const never = (): never => {
	throw new Error('The documentation only describes operations.');
};

/** Every operation, as it describes itself; none of them can run. */
export function allOperations(): Operation[] {
	const transcriber: Transcriber = { name: 'none', maxBytes: 0, check: never, transcribe: never };
	const writer: Writer = { name: 'none', check: never, write: never };
	const engine = { runPlan: never };
	return [...createMediaOperations(), createTranscribe({ transcriber, engine }), createCaption({ writer, engine })];
}
