/** A Ctrl+C arrives two or three times: from the terminal, from npm, and from the script that waits for this one. */
const SAME_SIGNAL_MS = 1_500;

/** How often it is checked whether somebody still waits for this process. */
const PARENT_CHECK_MS = 1_000;

/**
 * Calls back when the process that started this one is gone: nobody could stop us any more.
 */
function watchParent(gone: () => void): void {
	const parent = process.ppid;
	setInterval(() => process.ppid !== parent && gone(), PARENT_CHECK_MS).unref();
}

/**
 * The first signal asks for an orderly stop; one more, later, ends at once.
 * @returns `stopped` resolves with the first signal's name
 */
export function stopOnSignal(): { stopped: Promise<NodeJS.Signals> } {
	let first = 0;
	const stopped = new Promise<NodeJS.Signals>((resolve) => {
		watchParent(() => resolve('SIGHUP'));
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
