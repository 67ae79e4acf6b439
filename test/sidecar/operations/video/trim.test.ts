import { trim } from '../../../../sidecar/src/operations/video/trim.ts';
import { audioFacts, videoFacts } from '../../../support/facts.ts';

const planOf = (params: Record<string, unknown>, facts = videoFacts()) => trim.plan(facts, trim.params.parse(params));

describe('trim', () => {
	it('seeks before it reads, and encodes picture and sound', () => {
		expect(planOf({ start: 10, end: '0:30' }).outputs[0]).toMatchObject({ name: 'trimmed.mp4', seekSeconds: 10, durationSeconds: 20, expectedSeconds: 20 });
		expect(planOf({ start: 10, end: 30 }).outputs[0]?.options.join(' ')).toMatch(/libx264.*aac/);
	});

	it('reads to the end where none is given, and does not seek to the beginning', () => {
		expect(planOf({ start: '0:50' }).outputs[0]?.durationSeconds).toBe(10);
		expect(planOf({ end: 5 }).outputs[0]?.seekSeconds).toBeUndefined();
	});

	it.each([
		[{ start: 60 }, 'params.start', 'less than 60'],
		[{ start: '1:30' }, 'params.start', 'less than 60'],
		[{ start: 10, end: 61 }, 'params.end', 'at most 60'],
		[{ start: 10, end: 10 }, 'params.end', 'more than 10'],
		[{ start: 50, duration: 11 }, 'params.duration', 'at most 10'],
		[{ start: 50, duration: 0 }, 'params.duration', 'more than 50'],
	])('refuses %j and says what is possible', (params, field, allowed) => {
		expect(() => planOf(params)).toThrow(expect.objectContaining({ code: 'invalid_request', details: expect.objectContaining({ field, allowed }) }));
	});

	it('forgives an end that was rounded up', () => {
		expect(planOf({ start: 10, end: 60.04 }).outputs[0]?.durationSeconds).toBe(50);
	});

	it.each([{ end: 5, duration: 5 }, { start: -1 }, { start: '1:70' }, { start: '1:2:3:4' }, { mode: 'quick' }])('does not take %j', (params) => {
		expect(trim.params.safeParse(params).success).toBe(false);
	});

	it('copies what its container can hold, when it may be early', () => {
		expect(planOf({ start: 10, mode: 'fast' }).outputs[0]?.options).toEqual(['-c:v', 'copy', '-c:a', 'copy', '-avoid_negative_ts', 'make_zero', '-movflags', '+faststart']);
		expect(planOf({ start: 10, mode: 'fast' }, audioFacts()).outputs[0]).toMatchObject({ name: 'trimmed.mp3', options: ['-c:a', 'copy'] });
		expect(planOf({ start: 10, mode: 'fast' }, videoFacts({ container: 'avi' })).reason).toMatch(/encoded again/);
	});
});
