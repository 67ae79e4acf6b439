import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { MAX_CUES, MAX_SUBTITLE_CHARACTERS } from '../../ai/subtitles/cue.ts';
import type { TaskOperation } from '../operation.ts';
import { applyEdit, editSchema, overlapNote } from './subtitle-edits.ts';
import { formatsField, SUBTITLE_OUTPUT, subtitleResult } from './subtitle-files.ts';
import { readCues, SUBTITLE_SOURCES, subtitleFields } from './subtitle-source.ts';

const MAX_EDITS = 500;

const params = z.strictObject({
	...subtitleFields,
	edits: z
		.array(editSchema)
		.min(1)
		.max(MAX_EDITS)
		.describe(
			'Applied in this order, each to what the one before left: `shift` (ms, from_cue, to_cue), `scale` (from_fps, to_fps), `merge` (from_cue, to_cue), `split` (cue, at_seconds or at_text), ' +
				'`replace` (find, with, whole_words, match_case), `set_text` (cue, text), `delete` (from_cue, to_cue), `rewrap` (the rules of `transcribe`). Subtitles are counted from 1.',
		),
	formats: formatsField(['srt', 'vtt']),
});
type Params = z.infer<typeof params>;

/** Changes subtitles of the request, or of the asset. */
export const subtitleEdit: TaskOperation<Params> = {
	kind: 'task',
	name: 'subtitle_edit',
	version: 1,
	summary: 'Changes subtitles: times, texts, where they begin and end.',
	buildsOn: SUBTITLE_SOURCES,
	standsAlone: ({ subtitles }) => subtitles !== undefined,
	accepts: 'none',
	params,
	produces: `${SUBTITLE_OUTPUT}, \`edits\` (each with \`kind\`, \`changed\`). Files: \`subtitles.srt\` and so on. The asset's own subtitles stay as they are: operations that are to use the edited ones (burn_subtitles, add_subtitles, translate) get the output's \`subtitles\`.`,
	example: {
		subtitles: '1\n00:00:01,000 --> 00:00:03,000\nHello their.\n',
		edits: [
			{ kind: 'shift', ms: 500 },
			{ kind: 'replace', find: 'their', with: 'there' },
		],
	},
	estimateSeconds: () => 1,
	async run(context, given) {
		const found = await readCues(context, given);
		const notes = [...found.notes];
		const done: Array<{ kind: string; changed: number }> = [];
		let { cues } = found;
		for (const [index, edit] of given.edits.entries()) {
			// Large files take their time: others have their turn in between.
			await setImmediate();
			context.signal.throwIfAborted();
			const edited = await applyEdit(cues, edit, index, context.signal);
			const characters = edited.cues.reduce((sum, { lines }) => sum + lines.join(' ').length, 0);
			if (edited.cues.length > MAX_CUES || characters > MAX_SUBTITLE_CHARACTERS)
				throw new PipelineError('invalid_request', `edits[${index}] (${edit.kind}): there would be more than ${MAX_CUES} subtitles, or ${MAX_SUBTITLE_CHARACTERS} characters.`);
			cues = edited.cues;
			notes.push(...edited.notes);
			done.push({ kind: edit.kind, changed: edited.changed });
		}
		const overlap = overlapNote(cues);
		if (overlap) notes.push(overlap);
		const { output, files } = await subtitleResult({ ...found, cues, notes }, { formats: given.formats, workDir: context.workDir });
		return { output: { ...output, edits: done }, files };
	},
};
