import { startLoop, type Loop } from '../../pipeline/loop.ts';
import { cleanUp } from './clean-up.ts';
import { watchClock } from './clock.ts';
import type { RetentionDeps } from './rule.ts';

/** A sidecar that was just started has better things to do; one that is started every day must get to it. */
const FIRST_AFTER_MS = 10 * 60_000;

/** The clean-up every `hours` hours; 0: null, never. `stop` ends a round under way. */
export function startCleanUp(deps: RetentionDeps, hours: number, firstAfterMs = FIRST_AFTER_MS): Loop | null {
	if (hours === 0) return null;
	const stopping = new AbortController();
	const every = hours * 3_600_000;
	let whyNot: (() => Promise<string | null>) | null = null;
	const round = async (): Promise<number> => {
		if (!whyNot) {
			whyNot = await watchClock(deps.db);
			return Math.min(every, firstAfterMs);
		}
		const reason = await whyNot();
		if (reason) deps.log.error({ reason }, 'nothing was cleaned up');
		else await cleanUp(deps, { dryRun: false, signal: stopping.signal });
		return every;
	};
	const loop = startLoop(every, round, (error) => {
		if (!stopping.signal.aborted) deps.log.error({ err: error }, 'the clean-up broke off');
	});
	return {
		wake: loop.wake,
		stop: () => {
			stopping.abort(new Error('the sidecar is shutting down'));
			return loop.stop();
		},
	};
}
