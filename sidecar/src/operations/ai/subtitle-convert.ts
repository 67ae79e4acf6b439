import { z } from 'zod';
import type { TaskOperation } from '../operation.ts';
import { formatsField, SUBTITLE_OUTPUT, subtitleResult } from './subtitle-files.ts';
import { readCues, SUBTITLE_SOURCES, subtitleFields } from './subtitle-source.ts';

const params = z.strictObject({
	...subtitleFields,
	formats: formatsField(['vtt']),
	keep_markup: z.boolean().default(false).describe('Keeps italics, bold and underlining of given `subtitles`. All other markup goes anyway.'),
	word_times: z.boolean().default(false).describe('Writes the time of each word into WebVTT, where it is known, for players that highlight what is being said.'),
});
type Params = z.infer<typeof params>;

/** Subtitles of the request, or of the asset, in other formats. */
export const subtitleConvert: TaskOperation<Params> = {
	kind: 'task',
	name: 'subtitle_convert',
	version: 1,
	summary: 'Converts subtitles between SRT, WebVTT, ASS, plain text and JSON.',
	buildsOn: SUBTITLE_SOURCES,
	standsAlone: ({ subtitles }) => subtitles !== undefined,
	accepts: 'none',
	params,
	produces: `${SUBTITLE_OUTPUT}. Files: \`subtitles.vtt\` and so on.`,
	example: { subtitles: '1\n00:00:01,000 --> 00:00:03,000\nHello there.\n', formats: ['vtt', 'txt'] },
	estimateSeconds: () => 1,
	async run(context, given) {
		const found = await readCues(context, given, { markup: given.keep_markup ? 'keep' : 'strip' });
		const markup = given.keep_markup && found.origin === 'request';
		return subtitleResult(found, { formats: given.formats, workDir: context.workDir, markup, wordTimes: given.word_times });
	},
};
