import { wordErrors } from '../../../bench/lib/wer.ts';

describe('the word error rate', () => {
	it.each([
		['the cat sat', 'the cat sat', 0],
		['The cat, sat!', 'the CAT sat.', 0],
		['well-known', 'well known', 0],
		['it’s', "it's", 0],
		['the cat sat', 'the dog sat', 1],
		['the cat sat', 'the sat', 1],
		['the cat sat', 'the big cat sat', 1],
		['the cat sat', '', 3],
		['a b c d', 'b c d e', 2],
	])('of %j heard as %j counts %i errors', (reference, heard, errors) => {
		const words = reference.split(/[\s-]/).length;
		expect(wordErrors(reference, heard)).toEqual({ errors, words, rate: errors / words });
	});

	it('is above 1 where much is invented, and infinite for what nobody said', () => {
		expect(wordErrors('hi', 'thanks for watching').rate).toBe(3);
		expect(wordErrors('', 'thanks').rate).toBe(Infinity);
		expect(wordErrors('', '').rate).toBe(0);
	});
});
