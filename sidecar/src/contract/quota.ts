import { z } from 'zod';

const held = (about: string) =>
	z.object({ used: z.number().describe(about), limit: z.number().nullable().describe('null: no limit.') });

/** GET /api/media/quota */
export const quotaViewSchema = z.object({
	bytes: held('Stored files: originals and their earlier versions, what jobs made, and what uploads under way have been promised.'),
	assets: held('Assets, those that failed included.'),
	concurrent_jobs: held('Jobs that are worked on now.'),
});
