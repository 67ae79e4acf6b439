import { MOST_RANGES, wantedRanges } from '../../../sidecar/src/http/ranges.ts';

describe('a Range header', () => {
	const one = (start: number, end: number) => ({ kind: 'one', range: { start, end } });
	it.each([
		['bytes=0-3', one(0, 3)],
		['bytes=4-', one(4, 9)],
		['bytes=-3', one(7, 9)],
		['bytes=-30', one(0, 9)],
		['bytes=8-99', one(8, 9)],
		['BYTES = 1 - 2', one(1, 2)],
		['bytes=0-1,,', one(0, 1)],
		['bytes=0-4,2-6', one(0, 6)],
		['bytes=0-4,5-6', one(0, 6)],
		['bytes=6-,20-30', one(6, 9)],
		['bytes=6-7, 0-1', { kind: 'several', ranges: [{ start: 0, end: 1 }, { start: 6, end: 7 }] }],
		['bytes=10-', { kind: 'none' }],
		['bytes=-0', { kind: 'none' }],
		['bytes=10-20,30-', { kind: 'none' }],
		[undefined, { kind: 'whole' }],
		['bytes=', { kind: 'whole' }],
		['bytes=5-2', { kind: 'whole' }],
		['bytes=a-b', { kind: 'whole' }],
		['bytes=-', { kind: 'whole' }],
		['bytes=0x1-3', { kind: 'whole' }],
		['bytes=99999999999999999999-', { kind: 'whole' }],
		['seconds=1-2', { kind: 'whole' }],
	])('%s of ten bytes', (header, expected) => {
		expect(wantedRanges(header, 10)).toEqual(expected);
	});

	it('of an empty file lies nowhere', () => {
		expect(wantedRanges('bytes=0-', 0)).toEqual({ kind: 'none' });
		expect(wantedRanges('bytes=-5', 0)).toEqual({ kind: 'none' });
	});

	it('with very many ranges gets the whole file, once, and with overlapping ones no byte twice', () => {
		const apart = (count: number) => `bytes=${Array.from({ length: count }, (_, index) => `${index * 2}-${index * 2}`).join(',')}`;
		expect(wantedRanges(apart(MOST_RANGES), 1000).kind).toBe('several');
		expect(wantedRanges(apart(MOST_RANGES + 1), 1000).kind).toBe('whole');
		expect(wantedRanges(`bytes=${'0-,'.repeat(5000)}0-`, 1000)).toEqual(one(0, 999));
	});
});
