import type { z } from 'zod';
import { PipelineError } from '../errors.ts';

/**
 * Parses what a caller sent. Throws `invalid_request` whose message names every wrong field, what was given and what is
 * allowed; `details.problems` holds the same for programs.
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown, where = ''): T {
	const result = schema.safeParse(value);
	if (result.success) return result.data;
	const found = result.error.issues.flatMap((issue) => {
		const at = (path: PropertyKey[], problem: string) => ({
			field: [where, ...path.map(String)].filter(Boolean).join('.').slice(0, MAX_NAME) || 'body',
			problem,
			given: show(path.reduce<unknown>(child, value)),
		});
		// zod names the object; the user looks for the field.
		if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => at([...issue.path, key], 'there is no such field'));
		return [at(issue.path, issue.message)];
	});
	const problems = found.slice(0, MAX_PROBLEMS);
	const further = found.length - problems.length;
	throw new PipelineError(
		'invalid_request',
		[
			...problems.map(({ field, problem, given }) => `${field}: ${problem}${given === undefined ? '' : ` (given: ${given})`}`),
			...(further > 0 ? [`and ${further} more problem${further === 1 ? '' : 's'}`] : []),
		].join('; '),
		{ details: { problems, ...(further > 0 ? { further } : {}) } },
	);
}

/** As many as somebody reads; of a thousand wrong items the first ones say what is wrong with all. */
const MAX_PROBLEMS = 30;
const MAX_NAME = 200;

const child = (parent: unknown, key: PropertyKey): unknown =>
	typeof parent === 'object' && parent !== null ? (parent as Record<PropertyKey, unknown>)[key] : undefined;

/** Short, and never the content of an object: it may hold tokens. */
function show(value: unknown): string | undefined {
	if (value === undefined) return undefined;
	if (typeof value === 'object' && value !== null) return Array.isArray(value) ? `a list of ${value.length}` : 'an object';
	return JSON.stringify(value).slice(0, 80);
}
