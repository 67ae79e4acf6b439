import type { Readable } from 'node:stream';
import { drive, type drive_v3 } from 'googleapis/build/src/apis/drive/index.js';
import { PipelineError } from '../errors.ts';
import { retryAfterSeconds } from '../net/download.ts';
import type { Headers } from '../net/http.ts';
import type { SourceSettings } from './source.ts';

export const GOOGLE_DRIVE = 'Google Drive';
export const GOOGLE_DOCUMENT = 'application/vnd.google-apps.';
export const FOLDER = 'application/vnd.google-apps.folder';
/** Reasons of a 403 that mean "later": Drive API, "Resolve errors". */
const RATE_REASONS = ['rateLimitExceeded', 'userRateLimitExceeded', 'sharingRateLimitExceeded', 'backendError'];

export interface DriveApi {
	metadata(id: string, fields: string, signal: AbortSignal): Promise<drive_v3.Schema$File>;
	/** One page of the files that a query finds. */
	list(query: drive_v3.Params$Resource$Files$List, what: string, signal: AbortSignal): Promise<drive_v3.Schema$FileList>;
	startPageToken(query: drive_v3.Params$Resource$Changes$Getstartpagetoken, signal: AbortSignal): Promise<string>;
	changes(query: drive_v3.Params$Resource$Changes$List, signal: AbortSignal): Promise<drive_v3.Schema$ChangeList>;
	content(
		id: string,
		headers: Headers,
		signal: AbortSignal,
	): Promise<{ status: number; headers: Headers; stream: Readable }>;
}

/** The calls, with every failure in our own words. */
export function connectDrive(token: string, { googleApiBaseUrl }: SourceSettings): DriveApi {
	const { files, changes } = drive({ version: 'v3', rootUrl: googleApiBaseUrl });
	const common = (signal: AbortSignal, headers: Headers = {}) => ({
		// Our own retries and pauses are enough; a second layer below them would multiply both.
		retry: false,
		// Errors of googleapis carry the request with its token, and lose the body of a stream: answers are judged here.
		validateStatus: () => true,
		signal,
		headers: { ...headers, Authorization: `Bearer ${token}` },
	});
	/** The answer of a call with JSON; `what` names what it is about, for people. */
	async function ask<T>(call: Promise<{ status: number; headers: unknown; data: T }>, what: string, signal: AbortSignal): Promise<T> {
		const answer = await call.catch((error: unknown) => unreached(error, signal));
		if (answer.status === 200) return answer.data;
		throw refusal(answer.status, plainHeaders(answer.headers), answer.data, what);
	}
	return {
		metadata: (id, fields, signal) => ask(files.get({ fileId: id, fields, supportsAllDrives: true }, common(signal)), `file ${id}`, signal),
		list: (query, what, signal) => ask(files.list(query, common(signal)), what, signal),
		changes: (query, signal) => ask(changes.list(query, common(signal)), 'list of changes', signal),
		async startPageToken(query, signal) {
			const { startPageToken } = await ask(changes.getStartPageToken(query, common(signal)), 'list of changes', signal);
			if (startPageToken) return startPageToken;
			throw new PipelineError('input_unreachable', 'Google Drive named no place to begin its list of changes.');
		},
		async content(id, headers, signal) {
			const { status, ...answer } = await files
				.get(
					{ fileId: id, alt: 'media', supportsAllDrives: true },
					{
						...common(signal, headers),
						responseType: 'stream',
						// googleapis asks for gzip; a compressed part of a file cannot be put together with the rest.
						adapter: (options, send) => {
							options.headers.set('Accept-Encoding', 'identity');
							return send(options);
						},
					},
				)
				.catch((error: unknown) => unreached(error, signal));
			const plain = plainHeaders(answer.headers);
			if ([200, 206, 416].includes(status)) return { status, headers: plain, stream: answer.data };
			throw refusal(status, plain, await readText(answer.data), `file ${id}`);
		},
	};
}

/** googleapis gives the headers of node-fetch as they are, and those of the global fetch as a plain object. */
function plainHeaders(headers: unknown): Headers {
	const iterable = typeof headers === 'object' && headers !== null && Symbol.iterator in headers;
	return Object.fromEntries(iterable ? (headers as Iterable<[string, string]>) : Object.entries(headers as Headers));
}

/** Errors of Google are small; more than 64 KiB is not one. */
async function readText(stream: Readable): Promise<string> {
	let text = '';
	for await (const chunk of stream) {
		text += String(chunk);
		if (text.length > 65_536) break;
	}
	return text;
}

function unreached(error: unknown, signal: AbortSignal): never {
	signal.throwIfAborted();
	const { code, message } = error as { code?: string | number; message?: string };
	throw new PipelineError('input_unreachable', `Google Drive was not reached (${String(code ?? 'no answer')}).`, {
		cause: new Error(String(message ?? code)),
	});
}

/** What an answer other than the file means. */
function refusal(status: number, headers: Headers, body: unknown, what: string): PipelineError {
	const { reasons, text } = reasonsOf(body);
	const details = { status, ...(reasons[0] ? { reason: reasons[0] } : {}) };
	const later = () =>
		new PipelineError(
			'input_unreachable',
			`Google Drive cannot answer at the moment (${status}${reasons[0] ? `, ${reasons[0]}` : ''}).`,
			{
				details,
				retryAfterSeconds: retryAfterSeconds(headers),
			},
		);
	if (status === 401) {
		return new PipelineError(
			'needs_reauth',
			'Google refused the access token: it has expired or was revoked. Reconnect the Google Drive credential and run again.',
			{ details },
		);
	}
	if (status === 429 || status === 408 || status >= 500) return later();
	if (status === 403) {
		if (reasons.some((reason) => RATE_REASONS.includes(reason))) return later();
		return new PipelineError(
			'input_forbidden',
			`Google Drive refuses the ${what}${text ? `: ${text}` : ''}. Share it with the connected account, and check that the credential may read Drive.`,
			{ details },
		);
	}
	if (status === 404) {
		return new PipelineError(
			'input_not_found',
			`There is no ${what} in Google Drive that the connected account can see. Check the id, and share the file with that account.`,
			{ details },
		);
	}
	return new PipelineError(
		'input_not_found',
		`Google Drive answered ${status} for the ${what}${text ? `: ${text}` : ''}.`,
		{ details },
	);
}

function reasonsOf(data: unknown): { reasons: string[]; text: string } {
	let body = data;
	if (typeof data === 'string') {
		try {
			body = JSON.parse(data);
		} catch {
			body = {};
		}
	}
	const { error } = (body ?? {}) as { error?: { message?: string; errors?: Array<{ reason?: string }> } };
	return {
		reasons: (error?.errors ?? []).map(({ reason }) => String(reason)),
		text: String(error?.message ?? '')
			.slice(0, 300)
			.replace(/[\s.]+$/, ''),
	};
}
