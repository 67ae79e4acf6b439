/**
 * Scripts without spaces between words, for a class in a regular expression: those of the languages of `isUnspaced` (ai/languages.ts),
 * and the long vowel of both kana, which Unicode gives to neither.
 */
export const UNSPACED_SCRIPTS = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u30FC\uFF70\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}`;
/** A sign of such a script. */
export const UNSPACED = new RegExp(`[${UNSPACED_SCRIPTS}]`, 'u');
