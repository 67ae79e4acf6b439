import { z } from 'zod';
import { timeOf } from './moment.ts';
import { assetSchema } from './views.ts';

const text = (most: number, about: string) => z.string().trim().max(most).nullable().describe(`${about} null or empty: none.`);
const record = z.record(z.string(), z.unknown());

/** What people say of an asset (I12). */
const details = {
	title: text(500, 'Shown on its page and used for posts.'),
	description: text(20_000, 'A few sentences.'),
	/** RFC 5646, the common forms: `de`, `pt-BR`, `zh-Hant`. */
	language: z
		.string()
		.regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/, 'must be a language tag such as de or pt-BR')
		.nullable()
		.describe('Language of what is said in it, e.g. `de`, `pt-BR`.'),
	owner: text(200, 'Who it belongs to, in your own words.'),
	tags: z.array(z.string().min(1).max(100)).max(100).describe('Words to find it by.'),
};
export const assetDetailsSchema = z.strictObject(details).partial().describe('What is kept and shown with the asset.');
export type AssetDetails = z.infer<typeof assetDetailsSchema>;

/** PATCH /api/media/assets/:id. What is left out stays. */
export const assetChangeSchema = z
	.strictObject({ workspace_id: z.string().optional(), ...details, metadata: record.describe('Fields to set; a field that is null is removed (RFC 7396, first level).') })
	.partial()
	.refine((change) => Object.keys(change).some((name) => name !== 'workspace_id'), 'must name at least one field to change');
export type AssetChange = z.infer<typeof assetChangeSchema>;

const MOST_ASSETS = 200;

/** GET /api/media/assets */
export const assetQuerySchema = z.strictObject({
	file_type: z.enum(['video', 'audio', 'image']).optional(),
	status: assetSchema.shape.status.optional(),
	source: z.string().min(1).max(50).optional(),
	tag: z.string().min(1).max(100).optional(),
	name: z.string().min(1).max(200).optional(),
	created_after: timeOf.optional(),
	created_before: timeOf.optional(),
	limit: z.coerce.number().int().min(1).max(MOST_ASSETS).default(50),
	cursor: z.string().max(200).optional(),
});
export type AssetQuery = z.infer<typeof assetQuerySchema>;

/** For the OpenAPI. */
export const ASSET_QUERY: Record<string, string> = {
	file_type: 'video, audio, image',
	status: 'ready, processed, failed …',
	source: 'url, google_drive, upload …',
	tag: 'Only assets that have it',
	name: 'Part of the title or file name',
	created_after: 'ISO 8601',
	created_before: 'ISO 8601',
	limit: `1 to ${MOST_ASSETS}, default 50`,
	cursor: '`next_cursor` of the page before',
};

export const assetListSchema = z.object({ assets: z.array(assetSchema), next_cursor: z.string().nullable().describe('For the next page; null: that was all.') });
export const assetDeletedSchema = z.object({ asset_id: z.string(), deleted: z.literal(true), files: z.number().describe('Stored files that went with it.'), bytes: z.number() });
