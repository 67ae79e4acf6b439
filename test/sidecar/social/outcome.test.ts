import fc from 'fast-check';
import { classify, describeBody, HttpFailure, redact, retryAt, type Effect, type Seen } from '../../../sidecar/src/social/outcome.ts';

describe('classify', () => {
	const rows: Array<[string, Seen, string, string]> = [
		['nothing was sent', { kind: 'not_sent' }, 'retry', 'retry'],
		['the answer was lost', { kind: 'lost' }, 'retry', 'unknown'],
		...[408, 425, 500, 501, 502, 503, 504].map((status): [string, Seen, string, string] => [`HTTP ${status}`, { kind: 'status', status }, 'retry', 'unknown']),
		...[301, 302, 400, 403, 404, 409, 413, 415, 422].map((status): [string, Seen, string, string] => [`HTTP ${status}`, { kind: 'status', status }, 'stop', 'stop']),
		['HTTP 401', { kind: 'status', status: 401 }, 'reauth', 'reauth'],
		['HTTP 429', { kind: 'status', status: 429 }, 'wait', 'wait'],
	];
	it.each(rows)('decides for %s', (_, seen, upload, publish) => {
		expect(classify(seen, 'read')).toBe(upload);
		expect(classify(seen, 'upload')).toBe(upload);
		expect(classify(seen, 'publish')).toBe(publish);
	});

	it('never repeats a publishing call that may have had its effect, whatever the status', () => {
		fc.assert(
			fc.property(fc.integer({ min: 300, max: 599 }), (status) => {
				const decision = classify({ kind: 'status', status }, 'publish');
				expect(decision).not.toBe('retry');
				if (status >= 500) expect(decision).toBe('unknown');
			}),
		);
	});

	it('never calls the outcome of a read or an upload unknown', () => {
		fc.assert(
			fc.property(fc.integer({ min: 300, max: 599 }), fc.constantFrom<Effect>('read', 'upload'), (status, effect) => {
				expect(classify({ kind: 'status', status }, effect)).not.toBe('unknown');
			}),
		);
	});
});

describe('retryAt', () => {
	const now = new Date('2026-11-21T10:00:00Z');
	it.each([
		['Retry-After in seconds', { 'retry-after': '90' }, '2026-11-21T10:01:30.000Z'],
		['Retry-After as a date', { 'retry-after': 'Sat, 21 Nov 2026 10:05:00 GMT' }, '2026-11-21T10:05:00.000Z'],
		['unix seconds', { 'x-rate-limit-reset': '1795255260' }, '2026-11-21T10:01:00.000Z'],
		['ISO time', { 'x-ratelimit-reset': '2026-11-21T10:05:00.123456Z' }, '2026-11-21T10:05:00.123Z'],
	])('understands %s', (_, headers, expected) => {
		expect(retryAt(headers, now)?.toISOString()).toBe(expected);
	});
	it('counts points in time by the clock of the platform, where it differs from ours', () => {
		const date = 'Sat, 21 Nov 2026 09:00:00 GMT';
		expect(retryAt({ date, 'x-rate-limit-reset': '1795251660' }, now)?.toISOString()).toBe('2026-11-21T10:01:00.000Z');
		expect(retryAt({ date, 'retry-after': 'Sat, 21 Nov 2026 09:05:00 GMT' }, now)?.toISOString()).toBe('2026-11-21T10:05:00.000Z');
		expect(retryAt({ date, 'retry-after': '90' }, now)?.toISOString()).toBe('2026-11-21T10:01:30.000Z');
		expect(retryAt({ date: 'yesterday', 'retry-after': '90' }, now)?.toISOString()).toBe('2026-11-21T10:01:30.000Z');
	});
	it.each(['999999999', '4102444800', '9'.repeat(30), '9'.repeat(400), 'Fri, 01 Jan 2100 00:00:00 GMT'])('does not believe a wait of more than a day: %s', (value) => {
		expect(retryAt({ 'retry-after': value }, now)?.toISOString()).toBe('2026-11-22T10:00:00.000Z');
	});
	it('knows when it was told nothing', () => {
		expect(retryAt({}, now)).toBeNull();
		expect(retryAt({ 'retry-after': 'soon' }, now)).toBeNull();
	});
});

describe('redact', () => {
	it('lets no token and nothing of a URL but its host through', () => {
		fc.assert(
			fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{12,40}$/), fc.string(), fc.string(), (token, before, after) => {
				const text = `${before} ${token} Bearer ${token} https://user:${token}@upload.example.com/${token}?sig=${token} ${after}`;
				expect(redact(text, [token])).not.toContain(token);
			}),
		);
	});
	it('takes tokens and upload URLs out even when it was not told about them', () => {
		expect(redact('failed: https://up.example.com/secret-handle?sig=abc (Authorization: Bearer abcdef123456)', [])).toBe(
			'failed: https://up.example.com/… (Authorization: Bearer «redacted»)',
		);
	});
	it('shortens', () => {
		expect(redact('x '.repeat(1000), [])).toHaveLength(300);
	});
});

describe('describeBody', () => {
	it.each([
		[{ title: 'Forbidden', detail: 'not you' }, 'not you'],
		[{ errors: [{ message: 'bad value' }] }, 'bad value'],
		[{ error: 'Validation failed' }, 'Validation failed'],
		['<html><body>…', 'an HTML page'],
		[null, ''],
	])('finds the sentence in %j', (body, sentence) => expect(describeBody(body)).toBe(sentence));
});

describe('HttpFailure', () => {
	it('keeps its facts when it is judged anew', () => {
		const failure = new HttpFailure({ action: 'create the post', decision: 'stop', status: 403, detail: 'duplicate', body: { a: 1 } });
		expect(failure.as('unknown')).toMatchObject({ action: 'create the post', decision: 'unknown', status: 403, detail: 'duplicate', body: { a: 1 } });
	});
});
