import { z } from 'zod';

/** Names as in ops/retention. */
export const RETENTION_RULES = ['uploads', 'failed_assets', 'old_assets', 'originals', 'versions', 'orphans', 'missing_files'] as const;

/** POST /api/media/retention */
export const cleanUpRequestSchema = z.strictObject({
	workspace_id: z.string().optional().describe('Must be the workspace of the API key, when given.'),
	dry_run: z.boolean().default(true).describe('true: nothing is deleted, the answer says what would be.'),
	rules: z.array(z.enum(RETENTION_RULES)).min(1).optional().describe('Default: all.'),
	force: z.boolean().default(false).describe('true: orphans and missing_files do their work also where they find so much that the storage or the database looks like the wrong one. Look at a dry run first.'),
});

const finding = z.object({ workspace_id: z.string(), what: z.string().describe('An asset, or the key of a stored file.'), bytes: z.number(), reason: z.string() });
export const cleanUpReportSchema = z.object({
	dry_run: z.boolean(),
	rules: z.record(z.string(), z.object({ about: z.string(), count: z.number(), bytes: z.number(), failed: z.number().describe('Could not be done now; the log says why.'), examples: z.array(finding).describe('The first fifty.') })),
});
export type CleanUpReport = z.infer<typeof cleanUpReportSchema>;
