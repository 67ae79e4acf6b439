import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { retryAfterSeconds } from '../net/download.ts';
import type { Headers } from '../net/http.ts';
import { askApi, guardFor, parsed } from './api.ts';
import type { SourceSettings } from './source.ts';

export const DROPBOX = 'Dropbox';

/** Arguments of the content endpoints travel in a header, which holds ASCII only (Dropbox, "Content endpoints"). */
export const asHeader = (value: unknown): string =>
	JSON.stringify(value).replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

const BLOCK = 4 * 1024 * 1024;

/** Dropbox's own checksum: SHA-256 of the SHA-256 sums of all blocks of 4 MiB (Dropbox, "Content hash"). */
export class ContentHash {
	readonly #overall = createHash('sha256');
	#block = createHash('sha256');
	#inBlock = 0;

	update(chunk: Buffer): void {
		for (let at = 0; at < chunk.length; ) {
			const part = chunk.subarray(at, at + BLOCK - this.#inBlock);
			this.#block.update(part);
			this.#inBlock += part.length;
			at += part.length;
			if (this.#inBlock === BLOCK) this.#endBlock();
		}
	}

	/** Hex. To be called once. */
	digest(): string {
		if (this.#inBlock > 0) this.#endBlock();
		return this.#overall.digest('hex');
	}

	#endBlock(): void {
		this.#overall.update(this.#block.digest());
		this.#block = createHash('sha256');
		this.#inBlock = 0;
	}
}

/** A call with JSON in and out; the answer is checked. Throws `needs_reauth` and the `input_…` codes. */
export async function askDropbox<T>(settings: SourceSettings, call: { path: string; body: unknown; token: string; schema: z.ZodType<T>; what: string; signal: AbortSignal }): Promise<T> {
	const { apiBaseUrl } = settings.dropbox;
	const answer = await askApi({
		guard: guardFor(settings.guard, apiBaseUrl),
		where: DROPBOX,
		url: `${apiBaseUrl}${call.path}`,
		method: 'POST',
		headers: { Authorization: `Bearer ${call.token}` },
		body: call.body,
		signal: call.signal,
	});
	if (answer.status !== 200) throw dropboxRefusal(answer.status, answer.headers, answer.text, call.what);
	const result = call.schema.safeParse(answer.json);
	if (result.success) return result.data;
	throw new PipelineError('input_unreachable', 'Dropbox answered something that is not in its documentation.', { cause: result.error });
}

const errorSchema = z.object({ error_summary: z.string().optional(), error: z.looseObject({ '.tag': z.string().optional(), retry_after: z.number().optional(), required_scope: z.string().optional() }).or(z.string()).optional() });

/** What an answer other than 200 means. `what`: the file or folder as the caller named it. */
export function dropboxRefusal(status: number, headers: Headers, text: string, what: string): PipelineError {
	const body = errorSchema.safeParse(parsed(text)).data;
	const error = typeof body?.error === 'object' ? body.error : {};
	const tag = error['.tag'] ?? '';
	// `path/not_found/..`: the dots are padding.
	const summary = (body?.error_summary ?? tag).replace(/[./]+$/, '');
	const details = { status, ...(summary ? { reason: summary } : {}) };
	const is = (pattern: RegExp): boolean => pattern.test(summary);
	if (status === 429 || status === 408 || status >= 500) {
		return new PipelineError('input_unreachable', `Dropbox cannot answer at the moment (${status}${summary ? `, ${summary}` : ''}).`, { details, retryAfterSeconds: retryAfterSeconds(headers) ?? error.retry_after });
	}
	if (status === 401 && is(/missing_scope/)) {
		return new PipelineError('needs_reauth', `The Dropbox token lacks the permission ${error.required_scope ?? 'that is needed'}. Tick it in the App Console of Dropbox, then connect the account again.`, { details });
	}
	if (status === 401) return new PipelineError('needs_reauth', 'Dropbox refused the access token: it has expired or was revoked. Reconnect the Dropbox credential and run again.', { details });
	if (is(/not_found/)) return new PipelineError('input_not_found', `There is no ${what} in Dropbox that this account can see. Check the path or link: it may have been moved or deleted.`, { details });
	if (is(/shared_link_access_denied|no_permission|restricted_content|access_denied/) || status === 403) {
		return new PipelineError('input_forbidden', `Dropbox refuses ${what}. Links with a password or for chosen people cannot be fetched: allow "anyone with the link", or give the path with the token of an account that may read it.`, { details });
	}
	if (is(/unsupported_file|unsupported_link_type|shared_link_is_directory|not_file/)) {
		return new PipelineError('input_unsupported', `${what} is a folder or a document of Dropbox itself, not a media file. For a folder, list it and ingest the files in it.`, { details });
	}
	if (is(/not_folder/)) return new PipelineError('input_unsupported', `${what} is a file, not a folder. Ingest it with the source dropbox.`, { details });
	if (is(/^reset/)) return new PipelineError('invalid_request', 'cursor: Dropbox has forgotten it. List the folder again without a cursor.', { details: { ...details, field: 'cursor' } });
	return new PipelineError('input_not_found', `Dropbox answered ${status} for ${what}${summary ? ` (${summary})` : ''}. Check the path or link.`, { details });
}
