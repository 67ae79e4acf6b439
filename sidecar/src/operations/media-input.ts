import { z } from 'zod';
import type { MediaFacts } from '../media/facts.ts';

/** Media beside the source: a logo, a second clip, music. The pipeline opens it: only media of the job's own workspace. */
export const mediaInput = z
	.union([
		z.strictObject({ asset_id: z.uuid().describe('An asset of this workspace.') }),
		z.strictObject({
			file_url: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).max(8192).describe('A file on the internet.'),
		}),
	])
	.describe('`{ "asset_id": … }` or `{ "file_url": … }`.');
export type MediaInput = z.infer<typeof mediaInput>;

/** A file on this machine, and what it is. */
export interface OpenedMedia {
	path: string;
	facts: MediaFacts;
}
