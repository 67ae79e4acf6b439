import { z } from 'zod';

/** Where media come from: single files (`Source`, `Place`) and places that hold many (`ListSource`). */

const url = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).max(8192);
const erased = 'Encrypted at rest, erased when the download ends.';
const token = (about: string) => z.string().min(1).max(10_000).describe(`${about} ${erased}`);
const listToken = (about: string) => z.string().min(1).max(10_000).describe(`${about} Kept in memory only.`);
const driveId = z.string().regex(/^[\w-]{2,200}$/, 'must be an id of Google Drive');
/** As the Dropbox API has them: `/folder/file.mp4`, `id:…`, `rev:…`. */
const dropboxPath = z.string().min(1).max(4096).regex(/^(\/|id:|rev:|ns:)/, 'must begin with / (a path), id: or rev:');

/** A path below WATCH_DIR. What it may not hold is refused here; what it leads to (links, devices) is looked at when it is opened. */
const relativePath = z
	.string()
	.max(1024)
	// eslint-disable-next-line no-control-regex
	.refine((path) => !/^[/\\]|[\u0000-\u001f\\]|^[a-z]:/i.test(path) && !path.split('/').includes('..'), 'must be a relative path below WATCH_DIR, with / between folders and without ..');

const s3Place = {
	bucket: z.string().regex(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i, 'must be the name of a bucket'),
	region: z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be a region such as eu-central-1').optional().describe('Default us-east-1; `auto` for R2.'),
	endpoint: url.optional().describe('Of another service than AWS, e.g. https://account.r2.cloudflarestorage.com. Default: AWS.'),
};
const s3Keys = (make: (about: string) => z.ZodString) => ({
	access_key_id: make('Access key of an account that may read the bucket.'),
	secret_access_key: make('Its secret.'),
	session_token: make('Of temporary keys.').optional(),
});

export const sourceSchema = z
	.discriminatedUnion('type', [
		z.strictObject({ type: z.literal('url'), url }),
		z.strictObject({
			type: z.literal('google_drive'),
			file_id: z.string().regex(/^[\w-]{5,200}$/, 'must be a Google Drive file id'),
			access_token: token('A Google OAuth access token that may read the file.'),
		}),
		z
			.strictObject({
				type: z.literal('dropbox'),
				url: url.optional().describe('A shared link. With a token also to a folder: `path` names the file in it.'),
				path: dropboxPath.optional().describe('`/folder/file.mp4` or `id:…`. Needs a token.'),
				access_token: token('A Dropbox access token with files.content.read, or sharing.read for shared links. Without: the link itself is fetched.').optional(),
			})
			.refine((source) => source.url !== undefined || source.path !== undefined, { path: ['url'], error: 'give the shared link as url, or the path of the file' })
			.refine((source) => source.path === undefined || source.access_token !== undefined, { path: ['access_token'], error: 'a path of Dropbox needs an access token; only a shared link works without' }),
		z.strictObject({
			type: z.literal('discord'),
			url: url.describe('Link of an attachment, https://cdn.discordapp.com/attachments/…'),
			bot_token: token('Of a bot. With it a link that has expired is renewed.').optional(),
		}),
		z.strictObject({ type: z.literal('s3'), ...s3Place, key: z.string().min(1).max(1024), ...s3Keys(token) }),
		z.strictObject({ type: z.literal('folder'), path: relativePath.min(1).describe('Below WATCH_DIR of the sidecar. Only for its workspace (WATCH_WORKSPACE).') }),
	])
	.describe('Where the bytes come from.');
export type Source = z.infer<typeof sourceSchema>;

/** Fields that must not be stored with the place. */
const SECRET_FIELDS = ['access_token', 'bot_token', 'access_key_id', 'secret_access_key', 'session_token'] as const;
type Bare<S> = S extends unknown ? Omit<S, (typeof SECRET_FIELDS)[number]> : never;

/** A place that bytes come from, without its tokens. */
export type Place = Bare<Source>;
/** A place that holds many, without its tokens. */
export type ListPlace = Bare<ListSource>;

const isSecret = (name: string): boolean => (SECRET_FIELDS as readonly string[]).includes(name);

/** Takes the tokens out of what was sent: they are kept apart and erased first. */
export function splitSource<S extends Source | ListSource>(source: S): { place: Bare<S>; secrets: Record<string, string> } {
	const fields = Object.entries(source).filter(([, value]) => value !== undefined);
	return {
		place: Object.fromEntries(fields.filter(([name]) => !isSecret(name))) as Bare<S>,
		secrets: Object.fromEntries(fields.filter(([name]) => isSecret(name)).map(([name, value]) => [name, String(value)])),
	};
}

export const listSourceSchema = z
	.discriminatedUnion('type', [
		z.strictObject({
			type: z.literal('google_drive_folder'),
			folder_id: driveId.default('root').describe('`root`: My Drive.'),
			recursive: z.boolean().default(false).describe('Folders in it, too.'),
			access_token: listToken('A Google OAuth access token that may read the folder.'),
		}),
		z.strictObject({
			type: z.literal('google_drive_changes'),
			drive_id: driveId.optional().describe('A shared drive. Default: what the account sees.'),
			folder_id: driveId.optional().describe('Only files that lie directly in this folder.'),
			access_token: listToken('A Google OAuth access token that may read the files.'),
		}),
		z.strictObject({
			type: z.literal('dropbox_folder'),
			url: url.optional().describe('A shared link to a folder.'),
			path: z.union([z.literal(''), dropboxPath]).default('').describe('The folder; with `url` the one inside the shared folder. Empty: the whole Dropbox, or the whole shared folder.'),
			recursive: z.boolean().default(false).describe('Folders in it, too. Not with a shared link: Dropbox does not offer it.'),
			access_token: listToken('A Dropbox access token with files.metadata.read, and sharing.read for shared links.'),
		}),
		z.strictObject({ type: z.literal('rss'), url: url.describe('An RSS, Atom, RDF or JSON feed; a podcast is one.') }),
		z.strictObject({ type: z.literal('folder'), path: relativePath.default('').describe('Below WATCH_DIR of the sidecar. Empty: all of it.'), recursive: z.boolean().default(false).describe('Folders in it, too.') }),
		z.strictObject({ type: z.literal('s3_prefix'), ...s3Place, prefix: z.string().max(1024).default('').describe('Objects whose keys begin so.'), ...s3Keys(listToken) }),
	])
	.describe('A place that holds many files.');
export type ListSource = z.infer<typeof listSourceSchema>;

/** POST /api/media/sources/list */
export const listRequestSchema = z.strictObject({
	workspace_id: z.string().optional().describe('Must be the workspace of the API key, when given.'),
	source: listSourceSchema,
	cursor: z.string().min(1).max(500_000).nullish().describe('From the last answer: the next page, or what is new since then.'),
	limit: z.number().int().min(1).max(1000).default(100).describe('Entries of one answer, about.'),
});

/** A place as it goes into a batch item; the caller adds its tokens. */
const entrySourceSchema = z.looseObject({ type: z.string() });

export const listAnswerSchema = z.object({
	entries: z.array(
		z.object({
			source: entrySourceSchema.describe('Ready for `source` of a batch item, once its token is added.'),
			name: z.string(),
			bytes: z.number().nullable(),
			mime: z.string().nullable(),
			modified_at: z.string().nullable().describe('ISO 8601'),
			version: z.string().describe('The same as long as the content is the same.'),
			metadata: z.record(z.string(), z.unknown()).describe('Title, description, author …, as the place gives them.'),
		}),
	),
	cursor: z.string().nullable().describe('For the next request: the next page, or what is new since then. null: this place cannot tell what is new; list it again from the beginning.'),
	has_more: z.boolean().describe('There is more now: ask again with the cursor. false: ask again later.'),
	skipped: z.array(z.object({ name: z.string(), reason: z.string() })).describe('What is there but cannot be ingested, and why.'),
});
export type ListAnswer = z.infer<typeof listAnswerSchema>;

/** What happens when the same bytes are in the workspace already. */
export const dedupeSchema = z
	.enum(['link', 'version', 'copy'])
	.describe('When the bytes are in the workspace already. link (default): the new asset shares the stored file of the first one, and tells it as `same_as`. copy: they are stored again. version: with `asset_id`, the bytes become the next version of that asset.');
export type Dedupe = z.infer<typeof dedupeSchema>;
