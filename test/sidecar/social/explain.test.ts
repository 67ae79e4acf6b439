import { PipelineError } from '../../../sidecar/src/errors.ts';
import { explain } from '../../../sidecar/src/social/explain.ts';

const situation = { platform: { name: 'x', title: 'X' }, postId: 'p', signal: new AbortController().signal };
const stopped = new PipelineError('content_unsafe', 'The safety scan found violence.');

describe('the reason why a post was stopped', () => {
	it('says when an earlier call may have published it all the same', () => {
		const { status, error } = explain(stopped, { ...situation, open: true });
		expect(status).toBe('unknown');
		expect(error).toMatchObject({ code: 'content_unsafe', message: expect.stringMatching(/^The safety scan found violence\. An earlier call may have published the post/) });
	});

	it('is told as it is where no call was made', () => {
		const { status, error } = explain(stopped, { ...situation, open: false });
		expect([status, error.message]).toEqual(['failed', 'The safety scan found violence.']);
	});

	it('is no failure while the post waits for its turn', () => {
		const waits = new PipelineError('platform_rate_limited', 'Later.', { retryAfterSeconds: 60, untried: true });
		const statuses = [{ open: false }, { open: true }, { open: false, out: true }].map((known) => explain(waits, { ...situation, ...known }));
		expect(statuses.map(({ status, error }) => [status, error.untried])).toEqual([['pending', true], ['unknown', true], ['published', true]]);
	});
});
