import type { Response } from 'express';
import type { Caller } from '../db/api-keys.ts';

/** Who asks. Set by `authenticate` (http/request.ts); null where a signed link is the permission. */
export const callerOf = (response: Response): Caller | null => (response.locals['caller'] as Caller | undefined) ?? null;
