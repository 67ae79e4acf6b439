import { createHmac } from 'node:crypto';
import { TOLERANCE_SECONDS, verifySignature } from '../../../nodes/shared/standardWebhook';

// The example of the Standard Webhooks specification.
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const NOW = 1_614_265_330;
const message = {
	id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
	timestamp: String(NOW),
	signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
	body: Buffer.from('{"test": 2432232314}'),
};

describe('verifySignature', () => {
	it('accepts the example of the specification', () => {
		expect(verifySignature(SECRET, message, NOW)).toBe('valid');
	});

	it('accepts when one of several signatures matches, as during the rotation of a secret', () => {
		const signature = `v1,${Buffer.alloc(32).toString('base64')} v2,x ${message.signature}`;
		expect(verifySignature(SECRET, { ...message, signature }, NOW)).toBe('valid');
	});

	it.each([
		['another body', { body: Buffer.from('{"test":2432232314}') }],
		['another id', { id: 'msg_other' }],
		['another version of the scheme', { signature: message.signature.replace('v1,', 'v2,') }],
		['a cut signature', { signature: message.signature.slice(0, -8) }],
		['no base64 at all', { signature: 'v1,' }],
	])('refuses %s', (_name, change) => {
		expect(verifySignature(SECRET, { ...message, ...change }, NOW)).toBe('invalid_signature');
	});

	it('refuses another secret, and an empty one', () => {
		expect(verifySignature(`whsec_${Buffer.alloc(24, 1).toString('base64')}`, message, NOW)).toBe('invalid_signature');
		expect(verifySignature('', message, NOW)).toBe('invalid_signature');
		expect(verifySignature('whsec_', message, NOW)).toBe('invalid_signature');
	});

	it('takes a secret without the prefix as the bytes it is, like the sidecar', () => {
		const signature = createHmac('sha256', 'a plain secret').update(`${message.id}.${NOW}.`).update(message.body).digest('base64');
		expect(verifySignature('a plain secret', { ...message, signature: `v1,${signature}` }, NOW)).toBe('valid');
	});

	it('accepts a timestamp at the edge of the tolerance and refuses one second more, in both directions', () => {
		for (const direction of [1, -1]) {
			expect(verifySignature(SECRET, message, NOW + direction * TOLERANCE_SECONDS)).toBe('valid');
			expect(verifySignature(SECRET, message, NOW + direction * (TOLERANCE_SECONDS + 1))).toBe('stale');
		}
	});

	it.each(['id', 'timestamp', 'signature'] as const)('refuses a message without %s', (header) => {
		expect(verifySignature(SECRET, { ...message, [header]: undefined }, NOW)).toBe('missing_headers');
	});

	it('refuses a timestamp that is no number', () => {
		expect(verifySignature(SECRET, { ...message, timestamp: '1e9' }, NOW)).toBe('missing_headers');
	});
});
