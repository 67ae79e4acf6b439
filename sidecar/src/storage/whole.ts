import { PipelineError } from '../errors.ts';

/** A stream that ended early must not become a file. `expected`: what was said before, if anything. */
export function requireWhole(key: string, given: number, expected: number | undefined): void {
	if (expected === undefined || given === expected) return;
	throw new PipelineError('storage_failed', `${given} of ${expected} bytes of ${key} arrived at the storage: the file was not stored. Try again.`, { details: { expected_bytes: expected, given_bytes: given } });
}
