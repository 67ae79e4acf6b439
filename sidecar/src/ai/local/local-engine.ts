import { PipelineError } from '../../errors.ts';
import type { Engines } from './engines.ts';
import { createInference, type AskOptions, type Inference, type InferenceOptions, type Inferred } from './infer.ts';

export interface LocalEngine extends Inference {
	/** Null: it is installed. */
	obstacle(): string | null;
}

/** @param needs files of the engines' folder; their paths are the child's arguments, in this order */
export function createLocalEngine(engines: Engines, { needs, ...options }: Omit<InferenceOptions, 'args'> & { needs: readonly string[] }): LocalEngine {
	let inference: Inference | null = null;
	const find = (): string[] => needs.flatMap((path) => engines.find(path) ?? []);
	const obstacle = (): string | null => (find().length === needs.length ? null : engines.advice);
	return {
		obstacle,
		async ask<Request, Answer>(request: Request, asking: AskOptions): Promise<Inferred<Answer>> {
			const why = obstacle();
			if (why) throw new PipelineError('provider_not_configured', why);
			inference ??= createInference({ ...options, args: find() });
			return inference.ask<Request, Answer>(request, asking);
		},
		close: () => inference?.close() ?? Promise.resolve(),
	};
}
