import fc from 'fast-check';
import { classify, classifyEvent, holdMs, type Attempt } from '../../../sidecar/src/callbacks/classify.ts';

const answer = (status: number, body = '', contentType = 'application/json'): Attempt => ({ status, body, contentType });
const MINUTE = 60_000;
const top = () => 1;

describe('what an answer to a callback means', () => {
	it('is success for 2xx, unless a web page answered', () => {
		expect(classify(answer(200), 1, 0)).toEqual({ action: 'delivered' });
		expect(classify(answer(204, '', ''), 1, 0)).toEqual({ action: 'delivered' });
		expect(classify(answer(200, '<html>', 'text/html; charset=utf-8'), 1, 0)).toMatchObject({ action: 'retry', reason: expect.stringContaining('WEBHOOK_URL') });
	});

	it('is "soon" while the execution is not parked yet: 0.2, 0.5, 1, 2, 4 s', () => {
		const pauses = [1, 2, 3, 4, 5].map((attempt) => classify(answer(409, '{"message":"The execution is running already."}'), attempt, 0));
		expect(pauses.map((verdict) => (verdict.action === 'retry' ? verdict.inMs : null))).toEqual([200, 500, 1000, 2000, 4000]);
	});

	it('is the end when the execution has finished', () => {
		expect(classify(answer(409, 'The execution "7" has finished already.'), 1, 0)).toMatchObject({ action: 'dead' });
	});

	it('is "perhaps" for ten minutes when the execution is unknown, then the end', () => {
		const body = 'The execution "7" does not exist.';
		expect(classify(answer(404, body), 3, 9 * MINUTE, top)).toMatchObject({ action: 'retry' });
		expect(classify(answer(404, body), 9, 10 * MINUTE, top)).toMatchObject({ action: 'dead', reason: expect.stringContaining('Given up after 10 minutes') });
	});

	it('explains a refused token and a redirect, and stops', () => {
		expect(classify(answer(401), 1, 0)).toMatchObject({ action: 'dead', reason: expect.stringContaining('N8N_PROXY_HOPS') });
		expect(classify(answer(302), 1, 0)).toMatchObject({ action: 'dead', reason: expect.stringContaining('redirects') });
	});

	it('waits at least as long as Retry-After says', () => {
		expect(classify({ status: 429, body: '', contentType: '', retryAfterSeconds: 90 }, 1, 0)).toMatchObject({ action: 'retry', inMs: 90_000 });
	});

	it('stops at once when the guard forbids the address', () => {
		expect(classify({ failure: 'loopback', forbidden: true }, 1, 0)).toEqual({ action: 'dead', reason: 'loopback' });
	});

	it('always ends: whatever keeps failing is dead after a day', () => {
		const statuses = fc.constantFrom(200, 404, 408, 409, 425, 429, 500, 502, 503, 504);
		fc.assert(
			fc.property(statuses, fc.integer({ min: 1, max: 500 }), (status, attempts) => {
				const verdict = classify(answer(status, '', status === 200 ? 'text/html' : ''), attempts, 24 * 60 * MINUTE + 1);
				expect(verdict.action).toBe('dead');
			}),
		);
		expect(classify({ failure: 'connection refused' }, 99, 24 * 60 * MINUTE + 1)).toMatchObject({ action: 'dead' });
	});

	it('never pauses longer than ten minutes without being told to', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 2000 }), (attempts) => {
				const verdict = classify(answer(503), attempts, 0);
				expect(verdict.action === 'retry' && verdict.inMs > 0 && verdict.inMs <= 10 * MINUTE).toBe(true);
			}),
		);
	});
});

describe('what the answer of a webhook to an event means', () => {
	const DAY = 24 * 60 * MINUTE;
	const of = (attempt: Attempt, ageMs = 0, failingMs = 0) => classifyEvent(attempt, { attempts: 1, ageMs, failingMs }, top);

	it('is success for 2xx, unless a web page answered', () => {
		expect(of(answer(204, '', ''))).toEqual({ action: 'delivered' });
		expect(of(answer(200, '<html>', 'text/html'))).toMatchObject({ action: 'retry' });
	});

	it.each([301, 400, 401, 403, 404, 409, 422, 429, 500, 503])('is "later" for %i: somebody may repair it', (status) => {
		expect(of(answer(status))).toMatchObject({ action: 'retry', inMs: 1000, reason: expect.stringContaining(String(status)) });
	});

	it('is "later" when nobody answers or the guard refuses, and as late as it asks for', () => {
		expect(of({ failure: 'loopback', forbidden: true })).toEqual({ action: 'retry', inMs: 1000, reason: 'loopback' });
		expect(of({ status: 503, body: '', contentType: '', retryAfterSeconds: 90 })).toMatchObject({ action: 'retry', inMs: 90_000 });
	});

	it('is "later" for all of three days, however long a pause the receiver asks for', () => {
		const asks = { status: 503, body: '', contentType: '', retryAfterSeconds: 86_400 };
		expect(of(asks, 2.5 * DAY, 2.5 * DAY)).toMatchObject({ action: 'retry', inMs: 0.5 * DAY });
		expect(of(asks, 3 * DAY, 2.5 * DAY)).toMatchObject({ action: 'dead' });
	});

	it('names the clocks where the receiver says that they differ', () => {
		expect(of(answer(401, '{"error":{"code":"callback_stale"}}'))).toMatchObject({ action: 'retry', reason: expect.stringContaining('clocks') });
	});

	it('is the end of the webhook for 410', () => {
		expect(of(answer(410))).toMatchObject({ action: 'disable' });
	});

	it('is the end of the event after three days, and of the webhook when nothing else got through either', () => {
		expect(of(answer(500), 3 * DAY - 1000, 3 * DAY)).toMatchObject({ action: 'retry' });
		expect(of(answer(500), 3 * DAY, 2 * DAY)).toMatchObject({ action: 'dead' });
		expect(of(answer(500), 3 * DAY, 3 * DAY)).toMatchObject({ action: 'disable', reason: expect.stringContaining('HTTP 500') });
	});

	it('holds the webhook as long as it has been failing, within 1 s and 10 minutes, or as long as it asks for', () => {
		expect([0, 5000, DAY].map((failingMs) => holdMs(answer(500), failingMs))).toEqual([1000, 5000, 10 * MINUTE]);
		expect(holdMs({ status: 429, body: '', contentType: '', retryAfterSeconds: 7200 }, 5000)).toBe(7_200_000);
		expect(holdMs({ failure: 'timeout' }, 0)).toBe(1000);
	});
});
