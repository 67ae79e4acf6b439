/** A Ctrl+C arrives two or three times: from the terminal, from npm, and from the script that waits for this one. */
const SAME_SIGNAL_MS = 1_500;

/**
 * The first signal asks for an orderly stop; one more, later, ends at once.
 * @returns `stopped` resolves with the first signal's name
 */
export function stopOnSignal(): { stopped: Promise<NodeJS.Signals> } {
	let first = 0;
	const stopped = new Promise<NodeJS.Signals>((resolve) => {
		for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
			process.on(signal, () => {
				if (first === 0) {
					first = Date.now();
					resolve(signal);
				} else if (Date.now() - first > SAME_SIGNAL_MS) {
					process.exit(130);
				}
			});
		}
	});
	return { stopped };
}
