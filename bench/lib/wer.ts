/** How much of a text a recogniser got wrong. */
export interface WordErrors {
	/** Words put in, left out, or taken for others. */
	errors: number;
	/** Words of the reference. */
	words: number;
	/** errors / words; more than 1 where much was invented. */
	rate: number;
}

/** Word error rate: the least edits between both texts, in words, without regard to case and punctuation. */
export function wordErrors(reference: string, heard: string): WordErrors {
	const wanted = wordsOf(reference);
	const got = wordsOf(heard);
	let row = got.map((_, index) => index + 1);
	let before = 0;
	wanted.forEach((word, at) => {
		let [left, diagonal] = [at + 1, at];
		row = row.map((above, index) => {
			const cost = Math.min(above + 1, left + 1, diagonal + (word === got[index] ? 0 : 1));
			[left, diagonal] = [cost, above];
			return cost;
		});
		before = at + 1;
	});
	const errors = row.at(-1) ?? before;
	return { errors, words: wanted.length, rate: wanted.length === 0 ? (errors > 0 ? Infinity : 0) : errors / wanted.length };
}

const wordsOf = (text: string): string[] =>
	text
		.toLowerCase()
		.replace(/[-–—]/g, ' ')
		.replace(/’/g, "'")
		.replace(/[^\p{L}\p{N}\s']/gu, '')
		.split(/\s+/u)
		.filter(Boolean);
