/** Where a text may be broken, and how good the place is. Words of the languages that are subtitled most. */

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** What follows belongs to them: articles, possessives, and prepositions that would hang. en, de, fr, es, it, pt, nl. */
const BINDING = set(
	"a an the my your his her its our their this that these those no every each some any very der die das den dem des ein eine einen einem einer eines mein dein sein ihr unser euer kein zum zur im am le la les l' un une des du au aux mon ma mes ton ta tes sa ses ce cet cette el los las unos unas mi tu su il lo gli i uno o os as um uma de het een mr mrs ms dr",
);
/** Good places are before them: conjunctions and relative words. */
const CONJUNCTIONS = set(
	'and but or nor so because although though while when whenever where if unless until since that which who whom whose whether as than und aber oder denn weil obwohl während wenn als dass ob der die das sondern et mais ou donc car parce que quand lorsque si qui dont y pero porque cuando aunque e ma perché quando se che mas ou en maar want omdat',
);
/** Fair places are before them. */
const PREPOSITIONS = set(
	'of in on at by for with about against between into through during before after above below to from up down over under without within across behind beyond von in an auf bei mit nach aus zu für über unter vor hinter zwischen durch ohne gegen um de dans sur avec pour par sans chez vers à en con para por sin sobre entre hasta desde di da con per tra fra senza em com sem',
);
/** Japanese particles: a phrase ends with them. */
const PARTICLE = /[はがをにでともへのやねよ]$/u;

export const SENTENCE_END = /[.!?…。！？؟۔।]["'”’»)\]」』]*$/u;
const CLAUSE_END = /[,;:–—、，；：،؛]["'”’»)\]」』]*$/u;
const NUMBER = /^[\p{N}.,]+$/u;
const CAPITAL = /^\p{Lu}/u;

const bare = (word: string): string => word.toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}']+$/gu, '');

interface Word {
	text: string;
	spaced: boolean;
}

/** How much is lost by a break between two neighbours: 0 nothing (a sentence ends), 12 as anywhere, 60 where it must not be. */
export function breakCost(left: Word, right: Word): number {
	if (SENTENCE_END.test(left.text) && !/^(?:mr|mrs|ms|dr|st|prof|z\.b|d\.h|e\.g|i\.e)\.$/i.test(left.text)) return 0;
	if (CLAUSE_END.test(left.text)) return 3;
	if (!left.spaced) return PARTICLE.test(left.text) ? 8 : 14;
	const before = bare(left.text);
	if (BINDING.has(before)) return 60;
	if (NUMBER.test(left.text)) return 24;
	const after = bare(right.text);
	if (PREPOSITIONS.has(before) || CONJUNCTIONS.has(before)) return 30;
	if (CONJUNCTIONS.has(after)) return 6;
	if (PREPOSITIONS.has(after)) return 8;
	// Two parts of a name.
	if (CAPITAL.test(left.text) && CAPITAL.test(right.text)) return 22;
	return 12;
}
