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

	it('gives who counts by the minute more than a minute, where no time is named', () => {
		const error = new PipelineError('provider_rate_limited', 'x');
		const pauses = (random: number) => [1, 2].map((attempts) => nextTry(error, attempts, () => random) ?? 0);
		expect(pauses(1)).toEqual([40, 80]);
		expect(pauses(0)).toEqual([20, 40]);
		expect(nextTry(error, 3)).toBeNull();
	});

	it('pauses between half and the whole of the step, for every other error that can pass', () => {
		fc.assert(
			fc.property(fc.constantFrom(...codes.filter((code) => ERROR_KINDS[code].retryable && !code.endsWith('_rate_limited'))), fc.integer({ min: 1, max: 2 }), (code, attempts) => {
				const pause = nextTry(new PipelineError(code, 'x'), attempts) as number;
				expect(pause).toBeGreaterThanOrEqual(2 ** attempts / 2);
				expect(pause).toBeLessThanOrEqual(2 ** attempts);
			}),
		);
	});
});
