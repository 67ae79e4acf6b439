/** A loop that runs when woken, and at the latest after `everyMs`. */
export interface Loop {
	/** Something is there: run now, or once more right after the current round. */
	wake(): void;
	/** Lets the current round end, then stops. */
	stop(): Promise<void>;
}

/**
 * `round` answers how many milliseconds may pass until the next one (at most `everyMs`); 0 runs it again at once. A round
 * that throws is reported and the loop goes on: a database that is away for a minute must not end the sidecar.
 */
export function startLoop(everyMs: number, round: () => Promise<number>, onError: (error: unknown) => void): Loop {
	let stopped = false;
	let woken = false;
	let interrupt = (): void => {};
	const wake = (): void => {
		woken = true;
		interrupt();
	};
	const sleep = (ms: number): Promise<void> =>
		new Promise((resolve) => {
			if (woken || stopped || ms <= 0) return resolve();
			const timer = setTimeout(resolve, ms);
			interrupt = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	const running = (async () => {
		while (!stopped) {
			woken = false;
			let pause = everyMs;
			try {
				pause = Math.min(everyMs, await round());
			} catch (error) {
				onError(error);
			}
			await sleep(pause);
		}
	})();
	return {
		wake,
		stop: async () => {
			stopped = true;
			interrupt();
			await running;
		},
	};
}
