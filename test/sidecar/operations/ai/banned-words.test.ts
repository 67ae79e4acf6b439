import { bannedIn } from '../../../../sidecar/src/operations/ai/banned-words.ts';

describe('banned words', () => {
	it.each([
		['in any case', 'CHEAP tea', 'cheap'],
		['with other blanks', 'black\nfriday', 'Black  Friday'],
		['composed or not', 'cafe\u0301 time', 'café'],
		['in full width', 'ｃｈｅａｐ tea', 'cheap'],
		['with signs that nobody sees', 'ch\u200be\u00adap tea', 'cheap'],
		['with letters that look alike', 'сhеар tea', 'cheap'],
		['with another apostrophe', 'we don’t', "don't"],
		['in a hashtag of several words', 'Fly #CheapFlights', 'cheap'],
		['in a hashtag with underscores', '#very_cheap_flights', 'cheap'],
		['in a hashtag with a number', '#Sale2026', 'sale'],
		['as a hashtag without its blanks', '#blackfriday', 'black friday'],
		['given with its sign', 'so cheap', '#cheap'],
		['in Japanese, where no blanks are written', 'とても安いお茶です', '安い'],
		['in Japanese behind Latin letters', 'iPhone安いよ', '安い'],
		['in Latin letters in a Japanese text', '今日saleです', 'sale'],
		['in Korean with a particle', '오늘 할인을 합니다', '할인'],
		['in Russian', 'Дешёвый чай', 'дешёвый'],
		['with signs of its own', 'I like C++ a lot', 'C++'],
		['as the beginning of a word, where that is wanted', 'even cheaper', 'cheap*'],
		['as the end of a word', 'בזול', '*זול'],
	])('are found %s', (_how, text, word) => {
		expect(bannedIn([text], [word])).toEqual([word]);
	});

	it.each([
		['in a longer word', 'Steady education, #education', 'cat'],
		['in a longer word of Hindi', 'कामे', 'काम'],
		['across two texts', 'black', 'black friday'],
		['as a star alone', 'anything', '*'],
		['as a blank', 'any thing', ' '],
	])('are not found %s', (_how, text, word) => {
		expect(bannedIn([text, 'friday'], [word])).toEqual([]);
	});

	it('are answered as they were given, each once', () => {
		expect(bannedIn(['Cheap, cheap and free'], ['Free', 'cheap', 'new'])).toEqual(['Free', 'cheap']);
	});
});
