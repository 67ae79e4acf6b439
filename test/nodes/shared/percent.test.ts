import { percent } from '../../../nodes/shared/percent';

describe('a field in percent', () => {
	it.each([
		[12.5, 0.125],
		['80', 0.8],
		[0, 0],
		[undefined, undefined],
		[null, undefined],
		['', undefined],
		['much', 'much'],
	])('takes %p for %p of the whole', (given, wanted) => {
		expect(percent(given)).toBe(wanted);
	});
});
