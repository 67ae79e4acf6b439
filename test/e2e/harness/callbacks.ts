import type { BatchCallback } from '../../../nodes/shared/wire.d.ts';
import type { Passed } from './proxy.ts';
import { waitFor } from './wait.ts';
import type { World } from './world.ts';

/** Callbacks to waiting nodes that have passed so far, in order. */
export function resumeCalls(world: World): Passed[] {
	return world.callbacks.passed.filter(({ path }) => path.startsWith('/webhook-waiting/'));
}

/** What the sidecar says in a callback. */
export function bodyOf(call: Passed): BatchCallback {
	return JSON.parse(call.body.toString('utf8')) as BatchCallback;
}

/** Submissions by nodes that have passed so far, in order. */
export function submissions(world: World): Passed[] {
	return world.requests.passed.filter(({ path, method }) => method === 'POST' && path === '/api/media/batch');
}

/** Waits for the callback with this index, counted over the whole test file's world. */
export async function nthResumeCall(world: World, index: number): Promise<Passed> {
	return await waitFor(async () => resumeCalls(world)[index], { what: `callback ${index}`, explain: () => world.logs() });
}

export interface Gate {
	/** Resolves when something waits at it. */
	reached: Promise<void>;
	/** What waits, and what comes later, goes on. */
	open(): void;
	/** Give this to `intercept`. */
	pass(): Promise<void>;
}

export function gate(): Gate {
	let open = () => {};
	let reach = () => {};
	const opened = new Promise<void>((resolve) => (open = resolve));
	const reached = new Promise<void>((resolve) => (reach = resolve));
	return {
		reached,
		open: () => open(),
		pass: () => {
			reach();
			return opened;
		},
	};
}
