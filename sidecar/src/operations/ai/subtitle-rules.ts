import { z } from 'zod';
import { DEFAULT_RULES, type SubtitleRules } from '../../ai/subtitles/rules.ts';

/** Parameters of operations that cut subtitles; spread into their schema. Defaults: those of the trade (ai/subtitles/rules.ts). */
export const ruleFields = {
	max_line_chars: z.number().int().min(16).max(80).default(DEFAULT_RULES.maxLineChars).describe('Longest line of the subtitles, characters.'),
	max_wide_line_chars: z
		.number()
		.int()
		.min(8)
		.max(40)
		.default(DEFAULT_RULES.maxWideLineChars)
		.describe('The same for Chinese, Japanese and Korean, whose characters are twice as wide.'),
	max_lines: z.number().int().min(1).max(4).default(DEFAULT_RULES.maxLines).describe('Most lines of one subtitle.'),
	reading_speed: z
		.number()
		.min(5)
		.max(40)
		.default(DEFAULT_RULES.charsPerSecond)
		.describe('Characters per second that can be read; subtitles stay as long as that takes, where the next one lets them. 17 suits adults, 20 fast readers, 13 children.'),
	min_seconds: z.number().min(0.2).max(3).default(DEFAULT_RULES.minMs / 1000).describe('Shortest time that a subtitle is shown, where the next one lets it.'),
	max_seconds: z.number().min(3).max(15).default(DEFAULT_RULES.maxMs / 1000).describe('Longest time that a subtitle is shown.'),
	speaker_dash: z.boolean().default(false).describe('Puts a dash before the first words of another speaker, where speakers are known.'),
};

export const rulesSchema = z.strictObject(ruleFields);
export type RuleParams = z.infer<typeof rulesSchema>;

export const toRules = (given: RuleParams): SubtitleRules => ({
	maxLineChars: given.max_line_chars,
	maxWideLineChars: given.max_wide_line_chars,
	maxLines: given.max_lines,
	minMs: Math.round(given.min_seconds * 1000),
	maxMs: Math.round(given.max_seconds * 1000),
	charsPerSecond: given.reading_speed,
	gapMs: DEFAULT_RULES.gapMs,
	speakerDash: given.speaker_dash,
});
