import { PipelineError } from '../errors.ts';
import { signPath, verifyPath, type SigningKey } from './signed-url.ts';

/** What a link to a rendition stands for. */
export interface WantedRendition {
	assetId: string;
	operation: string;
	params: Record<string, unknown>;
	/** Which of its files; null: the first one. */
	file: string | null;
}

/** Browsers and proxies take addresses of 8000 characters and more (RFC 9110 4.1); most renditions need a hundred. */
const MAX_PARAMS = 4000;

/**
 * `{baseUrl}/renditions/<expires>.<signature>/<asset>/<operation>/<the rest as base64url JSON>`. The signature covers all of it.
 * Throws `invalid_request` when the parameters are too long for an address.
 */
export function renditionLink(signingKey: SigningKey, baseUrl: string, { assetId, operation, params, file }: WantedRendition, expiresAt: Date): string {
	const rest = Buffer.from(JSON.stringify(file === null ? [params] : [params, file])).toString('base64url');
	if (rest.length > MAX_PARAMS) {
		throw new PipelineError('invalid_request', `params: too long for a link (${rest.length} characters, at most ${MAX_PARAMS}). Submit a job instead.`, { details: { field: 'params' } });
	}
	const path = `${assetId}/${operation}/${rest}`;
	return `${baseUrl.replace(/\/+$/, '')}/renditions/${signPath(signingKey, 'RENDITION', path, expiresAt)}/${path}`;
}

/** What follows `/renditions/`. Throws `unauthorized`, `forbidden`, `expired`. */
export function verifyRenditionLink(signingKey: SigningKey, path: string, now = new Date()): WantedRendition {
	const wanted = verifyPath(signingKey, 'RENDITION', path, (rest) => [rest], now);
	const [assetId = '', operation = '', rest = ''] = wanted.split('/');
	// Signed, so it is what was put in.
	const [params, file = null] = JSON.parse(Buffer.from(rest, 'base64url').toString()) as [Record<string, unknown>, string?];
	return { assetId, operation, params, file };
}
