import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** Headers that let the receiver check who sent a body, when, and that it was not altered (Standard Webhooks). */
export type Sign = (id: string, body: string, now?: Date) => Record<string, string>;

/** The library wants `whsec_<base64>`; any other text is taken as the bytes it is, and `printableSecret` shows it so. */
export const printableSecret = (secret: string): string => (secret.startsWith('whsec_') ? secret : `whsec_${Buffer.from(secret, 'utf8').toString('base64')}`);

/** 32 bytes: Standard Webhooks asks for 24 to 64. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export function createSigner(secret: string): Sign {
	const webhook = new Webhook(printableSecret(secret));
	return (id, body, now = new Date()) => ({
		'webhook-id': id,
		'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
		'webhook-signature': webhook.sign(id, now, body),
	});
}

/** n8n's Webhook node can compare a header, but not check a signature: the trigger carries both. */
export function createTriggerSigner(secret: string): Sign {
	const sign = createSigner(secret);
	return (id, body, now) => ({ ...sign(id, body, now), 'x-media-pipeline-secret': secret });
}
