import { createHmac, timingSafeEqual } from 'node:crypto';

/** Oldest and newest accepted `webhook-timestamp`; 5 minutes is what the Standard Webhooks libraries use. */
export const TOLERANCE_SECONDS = 300;

export type SignatureVerdict = 'valid' | 'missing_headers' | 'stale' | 'invalid_signature';

export interface SignedMessage {
	id: string | undefined;
	/** Unix seconds, as sent. */
	timestamp: string | undefined;
	/** `v1,<base64>`; several, separated by spaces, while a secret is being rotated. */
	signature: string | undefined;
	/** The bytes as they arrived: a body that was parsed and printed again has another signature. */
	body: Buffer;
}

/**
 * Checks a message of the Standard Webhooks specification: HMAC-SHA256 of `id.timestamp.body`.
 * @param secret `whsec_<base64>`, the form in which the sidecar prints it; other text is taken as the bytes it is
 * @param nowSeconds Unix seconds
 */
export function verifySignature(secret: string, message: SignedMessage, nowSeconds: number): SignatureVerdict {
	const { id, timestamp, signature, body } = message;
	if (!id || !timestamp || !signature || !/^\d+$/.test(timestamp)) return 'missing_headers';
	if (Math.abs(nowSeconds - Number(timestamp)) > TOLERANCE_SECONDS) return 'stale';

	const key = secretBytes(secret);
	if (key.length === 0) return 'invalid_signature';
	const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
	const matches = signature
		.split(' ')
		.filter((entry) => entry.startsWith('v1,'))
		.map((entry) => Buffer.from(entry.slice('v1,'.length), 'base64'))
		.some((given) => given.length === expected.length && timingSafeEqual(given, expected));
	return matches ? 'valid' : 'invalid_signature';
}

/** As the sidecar does with its CALLBACK_SECRET, so that the same value works on both sides. */
function secretBytes(secret: string): Buffer {
	const trimmed = secret.trim();
	return trimmed.startsWith('whsec_') ? Buffer.from(trimmed.slice('whsec_'.length), 'base64') : Buffer.from(trimmed, 'utf8');
}
