import type { Request, RequestHandler, Response } from 'express';
import { assetById } from '../db/assets.ts';
import type { NewAuditEntry } from '../db/audit.ts';
import { callerOf } from './caller.ts';
import type { HttpDeps } from './deps.ts';
import { calledOf } from './route.ts';

/** Longest name of what a call was about: a storage key. */
const MAX_TARGET = 1024;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Players fetch a file in hundreds of ranges: who reads the same thing again within the minute is not written down again. */
const MINUTE_MS = 60_000;
const MOST_REMEMBERED = 50_000;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const textAt = (value: unknown, name: string): string | null => (isRecord(value) && typeof value[name] === 'string' ? value[name] : null);

/** What the call was about: what its address names, else what came of it, else what was asked for. */
function targetOf(request: Request, params: Record<string, string>, answer: unknown): string | null {
	const { key, asset, id, name } = params;
	// A package is a folder of hundreds of segments.
	if (key !== undefined) return params['permission'] === undefined ? key : key.split('/').slice(0, -1).join('/');
	const asked = textAt(request.query, 'asset_id') ?? textAt(request.body, 'asset_id') ?? textAt(request.body, 'job_id');
	const made = isRecord(answer) ? (textAt(answer['asset'], 'id') ?? textAt(answer['job'], 'id') ?? ['batch_id', 'job_id', 'asset_id', 'id'].map((one) => textAt(answer, one)).find((one) => one !== null)) : null;
	return (asset ?? id ?? name ?? made ?? asked)?.slice(0, MAX_TARGET) ?? null;
}

/** Whose it is may have to be looked up, by its asset. */
type Entry = Omit<NewAuditEntry, 'workspaceId'> & { workspaceId: string | null };

/** The entry of a call; null: it concerns no media. */
function entryOf(request: Request, response: Response, status: number, answer: unknown): Entry | null {
	const called = calledOf(response);
	const caller = callerOf(response);
	const params = called?.params ?? {};
	if (!caller && (!called || Object.keys(params).length === 0 || status >= 400)) return null;
	// Keys are `raw/{workspace}/…` (storage/keys.ts).
	const workspaceId = caller?.workspaceId ?? (response.locals['workspaceId'] as string | undefined) ?? params['workspace'] ?? params['key']?.split('/')[1] ?? null;
	if (workspaceId === null && params['asset'] === undefined) return null;
	return {
		workspaceId,
		apiKeyId: caller?.keyId ?? null,
		actor: caller?.name ?? 'link',
		// The path as it is documented: what callers write into theirs is not ours to keep.
		action: `${request.method} ${called?.route.path ?? '(unknown)'}`,
		target: called ? targetOf(request, params, answer) : null,
		status,
		code: isRecord(answer) ? textAt(answer['error'], 'code') : null,
		requestId: String(response.get('X-Request-Id') ?? ''),
		address: request.ip ?? null,
	};
}

/** For a request that is answered out of a transaction: the entry commits with what it tells of. `isRecorded` once that has happened. */
export const entryInTransaction = (request: Request, response: Response, answer: { status: number; body: unknown }): NewAuditEntry | null => {
	const entry = entryOf(request, response, answer.status, answer.body);
	return entry?.workspaceId ? { ...entry, workspaceId: entry.workspaceId } : null;
};

export const isRecorded = (response: Response): void => {
	response.locals['audited'] = true;
};

/**
 * Every call is written down: who, what, when, how it ended. Of what changes something before the answer goes out; of reading within a
 * tenth of a second after it.
 */
export function auditCalls({ audit: trail, db, log }: Pick<HttpDeps, 'audit' | 'db' | 'log'>): RequestHandler {
	const complete = async (entry: Entry): Promise<NewAuditEntry | null> => {
		if (entry.workspaceId !== null) return { ...entry, workspaceId: entry.workspaceId };
		const asset = entry.target && UUID.test(entry.target) ? await assetById(db, entry.target) : null;
		return asset && { ...entry, workspaceId: asset.workspaceId };
	};
	const write = async (entry: Entry): Promise<void> => {
		const whole = await complete(entry);
		if (whole) await trail.write(whole);
	};
	const note = async (entry: Entry): Promise<void> => {
		const whole = await complete(entry);
		if (whole) trail.note(whole);
	};
	const lost = (error: unknown): void => log.error({ err: error }, 'a call could not be written into the audit log');
	let minute = 0;
	let seen = new Set<string>();
	/** By links: once a minute for the same thing and the same client. */
	const isNews = ({ action, target, address }: Entry): boolean => {
		const now = Math.floor(Date.now() / MINUTE_MS);
		if (now !== minute || seen.size >= MOST_REMEMBERED) seen = new Set();
		minute = now;
		const name = JSON.stringify([action, target, address]);
		if (seen.has(name)) return false;
		seen.add(name);
		return true;
	};
	return (request, response, next) => {
		const changes = !['GET', 'HEAD', 'OPTIONS'].includes(request.method);
		let answer: unknown;
		let done = false;
		const json = response.json.bind(response);
		response.json = (body: unknown) => {
			answer = body;
			const entry = changes && !done && response.locals['audited'] !== true ? entryOf(request, response, response.statusCode, body) : null;
			if (!entry) return json(body);
			done = true;
			void write(entry).catch(lost).then(() => json(body));
			return response;
		};
		response.once('close', () => {
			if (done || response.locals['audited'] === true || request.method === 'OPTIONS') return;
			const entry = entryOf(request, response, response.statusCode, answer);
			if (entry && (entry.apiKeyId !== null || isNews(entry))) note(entry).catch(lost);
		});
		next();
	};
}
