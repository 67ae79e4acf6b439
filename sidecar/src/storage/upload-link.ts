import { signPath, verifyPath, type SigningKey } from './signed-url.ts';

/** A permission to do all that belongs to one upload, as a part of a path: `<expires>.<signature>/<asset>`. How many bytes it may have is kept with the upload. */
export const uploadPath = (signingKey: SigningKey, way: 'tus' | 'direct', assetId: string, expiresAt: Date): string =>
	`${signPath(signingKey, 'UPLOAD', `${way}:${assetId}`, expiresAt)}/${assetId}`;

/**
 * The asset that such a path (`<expires>.<signature>/<asset>`) is for. Throws `unauthorized` (no signature), `forbidden` (a wrong one, or one
 * for another asset or way), `expired`.
 */
export function verifyUploadPath(signingKey: SigningKey, way: 'tus' | 'direct', permission: string, assetId: string, now = new Date()): string {
	return verifyPath(signingKey, 'UPLOAD', `${permission}/${assetId}`, (asset) => [`${way}:${asset}`], now);
}
