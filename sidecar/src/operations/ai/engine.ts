import type { Logger } from 'pino';
import type { MediaFacts } from '../../media/facts.ts';
import type { MediaPlan, PlanResult } from '../../media/plan.ts';

/** What these operations need of the media engine. */
export interface Engine {
	runPlan(request: {
		inputPath: string;
		facts: MediaFacts;
		/** Further inputs, `[a1]` being the sound of the first. Default: none. */
		inputs?: Array<{ path: string; facts: MediaFacts }>;
		plan: MediaPlan;
		workDir: string;
		signal: AbortSignal;
		/** 0 to 100 */
		onProgress(percent: number): void;
		log: Logger;
	}): Promise<PlanResult>;
}
