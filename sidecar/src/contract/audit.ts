import { z } from 'zod';

/** Rows of an export, oldest first. */
export const DEFAULT_AUDIT_ROWS = 10_000;
export const MOST_AUDIT_ROWS = 1_000_000;

export const auditEntrySchema = z.object({
	id: z.number().int(),
	at: z.string(),
	api_key_id: z.string().nullable().describe('null: a signed link was the permission.'),
	actor: z.string().describe('Name of the key at that time, or `link`.'),
	action: z.string().describe('Method and route, e.g. `POST /api/media/process`.'),
	target: z.string().nullable().describe('What it was about: an asset, a job, a stored file.'),
	status: z.number().int().describe('HTTP status.'),
	code: z.string().nullable().describe('Code of the error; null: it succeeded.'),
	request_id: z.string(),
	address: z.string().nullable(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** In the order of the columns of a CSV. */
export const AUDIT_COLUMNS = ['id', 'at', 'api_key_id', 'actor', 'action', 'target', 'status', 'code', 'request_id', 'address'] as const satisfies ReadonlyArray<keyof AuditEntry>;

/**
 * A cell of a CSV (RFC 4180). Spreadsheets take what begins with one of these for a formula and run it; an apostrophe before it makes it
 * text (OWASP, "CSV Injection").
 */
export function csvCell(value: string | number | null): string {
	if (value === null) return '';
	if (typeof value === 'number') return String(value);
	const safe = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(value) ? `'${value}` : value;
	return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
