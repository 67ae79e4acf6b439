import { Router, type Response } from 'express';
import { AUDIT_COLUMNS, csvCell, type AuditEntry } from '../contract/audit.ts';
import { parse } from '../contract/parse.ts';
import { auditQuerySchema } from '../contract/tenancy.ts';
import { auditAfter } from '../db/audit.ts';
import { dbOf, workspaceOf } from './request.ts';

/** Rows that are read and written at once. */
const PAGE = 1000;

/** GET /api/media/audit: the log of the workspace, streamed, oldest first. */
export function auditRoutes(): Router {
	const router = Router();
	router.get('/audit', async (request, response) => {
		const { from, to, format, limit } = parse(auditQuerySchema, request.query);
		const range = { from: from === undefined ? undefined : new Date(from), to: to === undefined ? undefined : new Date(to) };
		const { type, begin, row, end } = FORMATS[format];
		response.status(200).set({ 'Cache-Control': 'no-store', 'Content-Disposition': `attachment; filename="audit.${format}"` }).type(type);
		let after = 0;
		let left = limit;
		let text = begin;
		while (left > 0 && !response.destroyed) {
			const rows = await auditAfter(dbOf(response), workspaceOf(response), { ...range, after, limit: Math.min(left, PAGE) });
			for (const [index, entry] of rows.entries()) text += row(entry, after === 0 && index === 0);
			if (text !== '' && !response.write(text)) await drained(response);
			text = '';
			after = rows.at(-1)?.id ?? after;
			left -= rows.length;
			if (rows.length < PAGE) break;
		}
		response.end(end);
	});
	return router;
}

const FORMATS: Record<'json' | 'csv' | 'ndjson', { type: string; begin: string; row(entry: AuditEntry, first: boolean): string; end: string }> = {
	json: { type: 'application/json', begin: '{"entries":[', row: (entry, first) => `${first ? '' : ','}\n${JSON.stringify(entry)}`, end: ']}\n' },
	ndjson: { type: 'application/x-ndjson', begin: '', row: (entry) => `${JSON.stringify(entry)}\n`, end: '' },
	csv: { type: 'text/csv', begin: `${AUDIT_COLUMNS.join(',')}\r\n`, row: (entry) => `${AUDIT_COLUMNS.map((name) => csvCell(entry[name])).join(',')}\r\n`, end: '' },
};

const drained = (response: Response): Promise<void> =>
	new Promise((resolve) => {
		const done = (): void => {
			response.off('drain', done).off('close', done);
			resolve();
		};
		response.on('drain', done).on('close', done);
	});
