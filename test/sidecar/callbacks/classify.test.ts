import fc from 'fast-check';
import { classify, type Attempt } from '../../../sidecar/src/callbacks/classify.ts';

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
