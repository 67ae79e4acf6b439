import fc from 'fast-check';
import { keyOf, partsOf } from '../../../../sidecar/src/social/bluesky/record.ts';
import { outcomeOf } from '../../../../sidecar/src/social/bluesky/video.ts';

const TID = /^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/;
const times = fc.date({ min: new Date('2000-01-01'), max: new Date('2200-01-01'), noInvalidDate: true });

describe('the key of a record on Bluesky', () => {
	it('is a TID, the same for the same post and time, and tells posts of one moment apart', () => {
		fc.assert(
			fc.property(fc.string(), fc.string(), times, (one, other, begun) => {
				const key = keyOf(one, begun);
				expect(key).toMatch(TID);
				expect(keyOf(one, new Date(begun))).toBe(key);
				expect(keyOf(other, begun) === key).toBe(one === other);
			}),
			// Two of a million keys of one microsecond are the same: not these.
			{ seed: 1 },
		);
	});

	it('sorts by time', () => {
		fc.assert(
			fc.property(fc.string(), fc.string(), times, times, (one, other, a, b) => {
				fc.pre(a < b);
				expect(keyOf(one, a) < keyOf(other, b)).toBe(true);
			}),
		);
	});

	it('holds the time in microseconds', () => {
		const value = [...keyOf('x', new Date(1_700_000_000_000))].reduce((sum, digit) => sum * 32n + BigInt('234567abcdefghijklmnopqrstuvwxyz'.indexOf(digit)), 0n);
		expect(Number((value >> 10n) / 1000n)).toBe(1_700_000_000_000);
	});
});

describe('the address of a post on Bluesky', () => {
	it.each([
		['at://did:plc:abc/app.bsky.feed.post/3m6a', { repo: 'did:plc:abc', collection: 'app.bsky.feed.post', rkey: '3m6a' }],
		['at://did:web:example.com%3A8080/app.bsky.feed.post/3m6a', { repo: 'did:web:example.com%3A8080', collection: 'app.bsky.feed.post', rkey: '3m6a' }],
		['https://bsky.app/profile/a/post/3m6a', null],
		['at://did:plc:abc/app.bsky.feed.post/3m6a/more', null],
		['', null],
	])('%s', (uri, parts) => expect(partsOf(uri)).toEqual(parts));
});

describe('what the job of a video says', () => {
	const blob = { $type: 'blob' as const, ref: { $link: 'bafkrei' }, mimeType: 'video/mp4', size: 1 };
	it.each(['JOB_STATE_COMPLETED', 'JOB_STATE_UPLOADED', 'JOB_STATE_FAILED', 'JOB_STATE_SOMETHING_NEW'])('a file that is there can be used, whatever the state: %s', (state) => {
		expect(outcomeOf({ jobId: '1', state, blob })).toEqual({ state: 'processed', blob });
	});
	it.each(['JOB_STATE_CREATED', 'JOB_STATE_ENCODING', 'JOB_STATE_COMPLETED', 'JOB_STATE_SOMETHING_NEW'])('without a file it is still at work: %s', (state) => {
		expect(outcomeOf({ jobId: '1', state })).toBeNull();
	});
	it('failures that may pass begin anew, others end with what to do', () => {
		expect(outcomeOf({ jobId: '1', state: 'JOB_STATE_FAILED', failureCode: 'generic_failure', message: 'oops' })).toEqual({ state: 'restart', reason: 'generic_failure, oops' });
		expect(() => outcomeOf({ jobId: '1', state: 'JOB_STATE_FAILED', error: 'encoding_failure' })).toThrow(/could not read this video/);
	});
});
