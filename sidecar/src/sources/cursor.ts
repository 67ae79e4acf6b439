import { z } from 'zod';
import { PipelineError } from '../errors.ts';

/** What a listing has to remember until the next request, as text that callers keep without looking into it. */
export const writeCursor = (type: string, state: unknown): string => Buffer.from(JSON.stringify([type, state])).toString('base64url');

/** Null without a cursor. A cursor has been in other hands: what is in it is checked. Throws `invalid_request`. */
export function readCursor<T>(type: string, schema: z.ZodType<T>, cursor: string | null): T | null {
	if (cursor === null) return null;
	try {
		const [of, state] = z.tuple([z.literal(type), z.unknown()]).parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
		if (of === type) return schema.parse(state);
	} catch {
		// Told below.
	}
	throw new PipelineError('invalid_request', 'cursor: this is not a cursor of this place. Send the one of its last answer, or none to list it from the beginning.', { details: { field: 'cursor' } });
}
