import { PipelineError } from '../errors.ts';

/**
 * JSON from outside, before any schema sees it. What the database, or the recursion of whoever works with it, could not take is refused
 * here, once for every request: letters that Postgres cannot store, numbers that lose digits, depths that exhaust the stack.
 */

/** Deeper than anything a request has; far less than what exhausts the stack of a schema or of JSON.stringify. */
export const MAX_DEPTH = 64;

/** Values of all kinds in one body: twenty times a batch of 1000 items. A body of 8 MB can hold four million. */
export const MAX_VALUES = 500_000;

/** Throws `invalid_request` that names the field, or the place in the text. Nothing of the text itself: it may hold tokens, and errors are logged. */
export function readJson(bytes: Uint8Array): unknown {
	const text = decode(bytes);
	checkShape(bytes);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		const at = /position (\d+)/.exec((error as Error).message)?.[1];
		throw bad(`The body is not valid JSON${at === undefined ? '' : ` (at character ${at})`}.`);
	}
	const problem = findUnfit(value);
	if (problem) throw bad(`${problem.field || 'body'}: ${problem.problem}`, problem.field);
	return value;
}

const bad = (message: string, field?: string) => new PipelineError('invalid_request', message, field ? { details: { field } } : {});

function decode(bytes: Uint8Array): string {
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		throw bad('The body is not UTF-8. JSON must be (RFC 8259, 8.1).');
	}
}

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [...'"\\,[]{}'].map((letter) => letter.charCodeAt(0));

/** One pass over the bytes: how deep, and (commas and brackets) how many values. Whether it is JSON is not asked here. */
function checkShape(bytes: Uint8Array): void {
	let depth = 0;
	let values = 1;
	let inText = false;
	for (let at = 0; at < bytes.length; at++) {
		const byte = bytes[at];
		if (inText) {
			if (byte === BACKSLASH) at += 1;
			else if (byte === QUOTE) inText = false;
		} else if (byte === QUOTE) inText = true;
		else if (byte === COMMA) values += 1;
		else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
			values += 1;
			depth += 1;
			if (depth > MAX_DEPTH) throw bad(`The body is nested too deeply: at most ${MAX_DEPTH} levels are read.`);
		} else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
		if (values > MAX_VALUES) throw bad(`The body holds too many values: at most ${MAX_VALUES} are read. Send several requests.`);
	}
}

export interface Unfit {
	/** `items.2.params.text`; empty: the whole. */
	field: string;
	problem: string;
}

/** What no field may hold; null: nothing. */
export function findUnfit(value: unknown, path: readonly string[] = []): Unfit | null {
	if (typeof value === 'string') return at(path, unfitText(value));
	if (typeof value === 'number') return at(path, unfitNumber(value));
	if (typeof value !== 'object' || value === null) return null;
	for (const name of Object.keys(value)) {
		const problem = unfitName(name);
		if (problem) return at(path, problem);
		const found = findUnfit((value as Record<string, unknown>)[name], [...path, name]);
		if (found) return found;
	}
	return null;
}

const at = (path: readonly string[], problem: string | null): Unfit | null => (problem === null ? null : { field: path.join('.').slice(0, 200), problem });

/** With the flag `u`, whole pairs are one letter. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Postgres stores no NUL in text, and no half of a surrogate pair in jsonb (Postgres documentation, 8.3 and 8.14). */
function unfitText(text: string): string | null {
	if (text.includes('\0')) return 'must not hold the character NUL (\\u0000)';
	return LONE_SURROGATE.test(text) ? 'must not hold half of a surrogate pair (\\ud800 to \\udfff)' : null;
}

/** Doubles are exact up to 2^53: of a longer number the last digits are lost on the way, and nobody would see it. */
function unfitNumber(number: number): string | null {
	if (!Number.isFinite(number)) return 'is larger than a number can be (about 1.8e308)';
	return Number.isInteger(number) && !Number.isSafeInteger(number) ? 'is larger than 2^53 and would lose digits: send it as text' : null;
}

function unfitName(name: string): string | null {
	if (name === '__proto__') return 'must not have a field __proto__';
	return unfitText(name) === null ? null : 'has a field whose name holds NUL or half of a surrogate pair';
}
