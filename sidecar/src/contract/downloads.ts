import { z } from 'zod';

/** A week: the longest that links of S3 may last (Signature Version 4). */
const LONGEST_SECONDS = 604_800;
const HOUR = 3600;

/** GET /api/media/assets/:id/download */
export const downloadQuerySchema = z.strictObject({
	workspace_id: z.string().optional(),
	job_id: z.uuid().optional(),
	file: z.string().min(1).max(200).optional(),
	name: z.string().min(1).max(200).optional(),
	expires_in_seconds: z.coerce.number().int().min(60).max(LONGEST_SECONDS).default(HOUR),
});

/** For the OpenAPI. */
export const DOWNLOAD_QUERY: Record<string, string> = {
	job_id: 'A file that this job made; default: the original',
	file: 'Which of its files, by `name` as in `output_data.files`; default: the first',
	name: 'What the file is called when it is saved; default: the title of the asset, or the name of the file',
	expires_in_seconds: `60 to ${LONGEST_SECONDS}, default ${HOUR}`,
};

export const downloadSchema = z.object({
	url: z.string().describe('Whoever opens it gets the file to save, without a key.'),
	name: z.string(),
	mime: z.string(),
	bytes: z.number().nullable(),
	expires_at: z.string().describe('ISO 8601'),
});
