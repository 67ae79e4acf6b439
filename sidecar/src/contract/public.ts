import { z } from 'zod';

/** POST /api/media/assets/:id/public. */
export const publicRequestSchema = z.strictObject({
	make: z.boolean().default(true).describe('Whether to start jobs for what is missing: a thumbnail, a preview, a version that browsers play. They become public when they are done.'),
});

/** What anyone may see of an asset, and where. */
export const publicAnswerSchema = z.object({
	asset_id: z.string(),
	public: z.boolean(),
	public_at: z.string().nullable().describe('ISO 8601'),
	page_url: z.string().nullable().describe('The player, for people.'),
	embed_url: z.string().nullable(),
	embed_code: z.string().nullable().describe('HTML for other pages.'),
	oembed_url: z.string().nullable(),
	files: z.object({ thumb: z.string().optional(), preview: z.string().optional(), master: z.string().optional() }).describe('Links without an end. A new result gets a new one.'),
	job_ids: z.array(z.string()).describe('Jobs that were started for what is missing.'),
});
