import { PipelineError } from '../errors.ts';
import { fileNameOf } from './file-name.ts';
import { describeUrl, type Guard } from './guard.ts';
import { openFollowing, type Headers, type Hop } from './http.ts';
import { NetError } from './net-error.ts';
import { receive, type ReceiveOptions } from './receive.ts';

export interface DownloadOptions
	extends Pick<ReceiveOptions, 'destPath' | 'maxBytes' | 'signal' | 'onProgress' | 'stallMs' | 'retryDelayMs'> {
	url: string;
	guard: Guard;
	/** Sent with every request; Authorization and cookies stay with the first origin. */
	headers?: Headers;
}

export interface Downloaded {
	bytes: number;
	/** Hex. */
	sha256: string;
	/** As the server claims it, without parameters; null where it says nothing. */
	contentType: string | null;
	/** A safe file name, never a path. */
	fileName: string;
}

/**
 * Brings a file from a user's URL to `destPath`. Throws `input_forbidden`, `input_not_found`, `input_too_large`,
 * `input_empty`, `input_not_media` (a web page), `input_unsupported` (compressed transfer), `input_unreachable`.
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
	const { url, guard, headers = {} } = options;
	const where = describeUrl(guard.check(url));
	let finalUrl: URL | null = null;
	const received = await receive({
		...options,
		where,
		async open({ offset, validator }, signal) {
			const range: Headers = offset > 0 && validator ? { Range: `bytes=${offset}-`, 'If-Range': validator } : {};
			const hop = await openFollowing({ guard, url, headers: { ...headers, ...range }, signal }).catch(
				(error: unknown) => {
					if (error instanceof NetError) throw new PipelineError('input_unreachable', error.message, { cause: error });
					throw error;
				},
			);
			const refusal = refusalOf(hop, where, offset);
			if (!refusal) {
				finalUrl ??= hop.url;
				return hop;
			}
			hop.stream.destroy();
			throw refusal;
		},
	});
	const mime = received.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
	return {
		bytes: received.bytes,
		sha256: received.sha256,
		contentType: mime || null,
		fileName: fileNameOf(received.headers['content-disposition'], finalUrl),
	};
}

function refusalOf(hop: Hop, where: string, offset: number): PipelineError | null {
	if (hop.status === 416 && offset > 0) return null;
	const failure = failureOfStatus(hop.status, hop.headers, where);
	if (failure) return failure;
	if (/^(text\/html|application\/xhtml)/i.test(hop.headers['content-type'] ?? '')) return webPage(hop.url, where);
	const encoding = hop.headers['content-encoding'];
	if (encoding && encoding !== 'identity') {
		return new PipelineError(
			'input_unsupported',
			`${where} sends the file compressed (Content-Encoding: ${encoding}) although it was asked not to. Store it uncompressed.`,
		);
	}
	return null;
}

/** What a status means for a file that is to be fetched; null: the file comes (200, 206). */
export function failureOfStatus(status: number, headers: Headers, where: string): PipelineError | null {
	const details = { status };
	if (status === 200 || status === 206) return null;
	if (status === 404 || status === 410) {
		return new PipelineError(
			'input_not_found',
			`There is no file at ${where} (${status}). Check the link; it may have expired.`,
			{ details },
		);
	}
	if (status === 401 || status === 403 || status === 451) {
		return new PipelineError(
			'input_forbidden',
			`${where} refuses the file (${status}). Use a link that works without signing in; a signed link may have expired.`,
			{ details },
		);
	}
	if (status === 408 || status === 425 || status === 429 || status >= 500) {
		return new PipelineError('input_unreachable', `${where} cannot send the file at the moment (${status}).`, {
			details,
			retryAfterSeconds: retryAfterSeconds(headers),
		});
	}
	return new PipelineError('input_not_found', `${where} answered ${status} instead of the file.`, { details });
}

/** A broken server names milliseconds, or a time far away: that must neither bury a job nor lock somebody out for good. */
const LONGEST_RETRY_AFTER_SECONDS = 86_400;

/** Retry-After as seconds from now, in both of its forms (RFC 9110, section 10.2.3); a day at most. Some servers send fractions. */
export function retryAfterSeconds(headers: Headers, now = Date.now()): number | undefined {
	const value = headers['retry-after']?.trim();
	if (!value) return undefined;
	const most = (seconds: number): number => Math.min(LONGEST_RETRY_AFTER_SECONDS, Math.max(0, Math.ceil(seconds)));
	if (/^\d+(\.\d+)?$/.test(value)) return most(Number(value));
	// Date.parse takes nearly anything for a date: to it "-1" is a day of 2001.
	const date = /[a-z]{3}|^\d{4}-\d\d-\d\dT/i.test(value) ? Date.parse(value) : NaN;
	return Number.isNaN(date) ? undefined : most((date - now) / 1000);
}

/** The usual reason for a web page instead of a file: a link made for people. */
const HINTS: Array<[RegExp, string]> = [
	[/(^|\.)drive\.google\.com$|(^|\.)docs\.google\.com$/, 'For files in Google Drive choose the source "Google Drive".'],
	[/(^|\.)dropbox\.com$/, 'In a Dropbox link, replace dl=0 with dl=1.'],
	[
		/(^|\.)(youtube\.com|youtu\.be|vimeo\.com|tiktok\.com|instagram\.com|facebook\.com|x\.com)$/,
		'Pages of video platforms are not files: upload the original instead.',
	],
];

function webPage(url: URL, where: string): PipelineError {
	const hint =
		HINTS.find(([host]) => host.test(url.hostname))?.[1] ??
		'Use the direct link of the file (often called "download").';
	return new PipelineError('input_not_media', `${where} answers with a web page, not with a media file. ${hint}`);
}
