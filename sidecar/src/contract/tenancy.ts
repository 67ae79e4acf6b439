import { z } from 'zod';
import { timeOf } from './moment.ts';
import { ALL, SCOPES, SCOPE_TEXTS } from './scopes.ts';
import { DEFAULT_AUDIT_ROWS, MOST_AUDIT_ROWS } from './audit.ts';

const scope = z.enum([...SCOPES, ALL]).describe([...SCOPES.map((name) => `\`${name}\`: ${SCOPE_TEXTS[name]}`), '`*`: everything'].join('; '));
const scopes = z.array(scope).min(1).max(SCOPES.length + 1);

/** A century: further away than any key lives, and well within what databases and clocks know. */
const MOST_SECONDS = 100 * 365 * 86_400;
/** Long enough for a change of key in a firm that plans its changes by the month. */
const MOST_GRACE_SECONDS = 30 * 86_400;

export const keyRequestSchema = z.strictObject({
	workspace_id: z.string().optional(),
	name: z.string().trim().min(1).max(100).describe('Whose it is, or what for. It stands in the audit log.'),
	scopes: scopes.describe('What it may do; nothing that the key you ask with may not do itself.'),
	expires_in: z.number().int().min(1).max(MOST_SECONDS).nullable().default(null).describe('Seconds; null: it does not expire.'),
});

/** Of a workspace that stands in the address. */
export const workspaceKeyRequestSchema = keyRequestSchema.omit({ workspace_id: true });

export const rotateRequestSchema = z.strictObject({
	grace_seconds: z.number().int().min(0).max(MOST_GRACE_SECONDS).default(86_400).describe('How long the old key goes on working.'),
});

export const apiKeySchema = z.object({
	id: z.string(),
	name: z.string(),
	hint: z.string().describe('The last four characters of the key.'),
	scopes: z.array(z.string()),
	last_used_at: z.string().nullable().describe('To the minute.'),
	expires_at: z.string().nullable(),
	created_at: z.string(),
});
export type ApiKeyView = z.infer<typeof apiKeySchema>;

/** The key itself is shown this once. */
export const apiKeyCreatedSchema = apiKeySchema.extend({ key: z.string() });

export const workspaceRequestSchema = z.strictObject({
	id: z
		.string()
		.regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must have 1 to 63 lower-case letters, digits, _ and -, and begin with a letter or digit')
		.describe('Stays: it is the folder of its files, too.'),
	name: z.string().trim().min(1).max(200).optional().describe('For people. Default: the id.'),
});

export const workspaceSchema = z.object({ id: z.string(), name: z.string(), created_at: z.string() });
export const workspaceCreatedSchema = workspaceSchema.extend({ key: apiKeyCreatedSchema.describe('Its first key, which may do everything there. Shown this once.') });

export const auditQuerySchema = z.object({
	from: timeOf.optional(),
	to: timeOf.optional(),
	format: z.enum(['json', 'csv', 'ndjson']).default('json'),
	limit: z.coerce.number().int().min(1).max(MOST_AUDIT_ROWS).default(DEFAULT_AUDIT_ROWS),
});
