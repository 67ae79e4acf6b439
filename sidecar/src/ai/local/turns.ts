import { once } from 'node:events';
import { abortError } from '../../media/probe.ts';

/** Works one after the other, in the order in which they were asked for. Rejects with the signal's reason where that comes before the turn. */
export type InTurn = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export function createTurns(): InTurn {
	let last: Promise<void> = Promise.resolve();
	return async (work, signal) => {
		const before = last;
		const { promise, resolve: done } = deferred<void>();
		last = promise;
		try {
			await orAborted(before, signal);
			return await work();
		} finally {
			// Who gave up waiting does not let the next one in before its turn.
			void before.then(done);
		}
	};
}

async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
	if (signal.aborted) throw abortError(signal);
	const waiting = new AbortController();
	try {
		const aborted = once(signal, 'abort', { signal: waiting.signal }).then(
			() => Promise.reject(abortError(signal)),
			() => {},
		);
		await Promise.race([promise, aborted]);
	} finally {
		waiting.abort();
	}
}

export function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: Error): void } {
	let resolve: (value: T) => void = () => {};
	let reject: (error: Error) => void = () => {};
	const promise = new Promise<T>((yes, no) => {
		resolve = yes;
		reject = no;
	});
	return { promise, resolve, reject };
}
