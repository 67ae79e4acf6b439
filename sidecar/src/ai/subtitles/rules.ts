/**
 * Rules of the trade (Netflix timed text style guide, general requirements and language pages; BBC subtitle guidelines). All can be
 * changed by whoever asks for subtitles.
 */
export interface SubtitleRules {
	/** Longest line, in characters as people count them. */
	maxLineChars: number;
	/** The same where every character is a wide one (Chinese, Japanese, Korean). In mixed lines each takes its share. */
	maxWideLineChars: number;
	maxLines: number;
	/** Shortest and longest time on the screen. What is said for a shorter time stays, as far as the next subtitle lets it. */
	minMs: number;
	maxMs: number;
	/** Reading speed, characters per second: subtitles stay that long where the next one lets them. Wide ones take twice the time. */
	charsPerSecond: number;
	/** Between two subtitles, so that the eye notices the change. */
	gapMs: number;
	/** Puts an en dash before the first words of another speaker. */
	speakerDash: boolean;
}

export const DEFAULT_RULES: Readonly<SubtitleRules> = {
	maxLineChars: 42,
	maxWideLineChars: 16,
	maxLines: 2,
	minMs: 1000,
	maxMs: 7000,
	// For adults; 20 is the most that the guide allows.
	charsPerSecond: 17,
	// Two frames at 24 per second.
	gapMs: 84,
	speakerDash: false,
};

/** A pause in which a viewer expects the subtitle to go: half a second longer than a breath. */
export const PAUSE_MS = 1200;
/** A wide character is read at about half the speed of a letter (Netflix: 9 a second for Chinese, 17 to 20 for Latin). */
export const WIDE_READING = 2;
