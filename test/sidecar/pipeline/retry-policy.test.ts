import fc from 'fast-check';
import { ERROR_KINDS, PipelineError, type ErrorCode } from '../../../sidecar/src/errors.ts';
import { MAX_ATTEMPTS, nextTry } from '../../../sidecar/src/pipeline/retry-policy.ts';

const codes = Object.keys(ERROR_KINDS) as ErrorCode[];

describe('the retry policy', () => {
	it('never tries bad input again', () => {
		for (const code of codes.filter((name) => name.startsWith('input_') && name !== 'input_unreachable')) {
			expect(nextTry(new PipelineError(code, 'x'), 1)).toBeNull();
		}
	});

	it('tries what can pass three times in all, pausing longer each time', () => {
		const error = new PipelineError('provider_unavailable', 'x');
		expect([1, 2, 3].map((attempts) => nextTry(error, attempts, () => 1))).toEqual([2, 4, null]);
		expect(MAX_ATTEMPTS).toBe(3);
	});

	it('keeps the pause that the other side asked for', () => {
		expect(nextTry(new PipelineError('provider_rate_limited', 'x', { retryAfterSeconds: 120 }), 1)).toBe(120);
	});

	it('pauses between half and the whole of the step, for every error that can pass', () => {
		fc.assert(
			fc.property(fc.constantFrom(...codes.filter((code) => ERROR_KINDS[code].retryable)), fc.integer({ min: 1, max: 2 }), (code, attempts) => {
				const pause = nextTry(new PipelineError(code, 'x'), attempts) as number;
				expect(pause).toBeGreaterThanOrEqual(2 ** attempts / 2);
				expect(pause).toBeLessThanOrEqual(2 ** attempts);
			}),
		);
	});
});
