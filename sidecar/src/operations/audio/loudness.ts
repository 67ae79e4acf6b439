import { z } from 'zod';
import { estimate } from '../../media/codecs.ts';
import { loudnessFields, measureLoudness, readLoudness } from '../../media/loudness.ts';
import { soundOf } from '../../media/sound.ts';
import type { MediaOperation } from '../operation.ts';

const params = z.strictObject({});
type Params = z.infer<typeof params>;

const TEXT = 'loudness.txt';

export const loudness: MediaOperation<Params> = {
	kind: 'media',
	name: 'loudness',
	version: 1,
	summary: 'Measures how loud the sound is, by EBU R128: integrated loudness, loudness range, true peak, and the course of the loudness.',
	accepts: ['video', 'audio'],
	params,
	example: {},
	produces:
		'`integrated_lufs` (null: silence), `loudness_range_lu`, `true_peak_dbtp`. ' +
		'Files: `loudness.json` with the same, and `short_term_lufs`, the loudness of the last three seconds at each second.',
	plan(facts) {
		const audio = soundOf(facts);
		return {
			outputs: [
				{
					name: TEXT,
					kind: 'text',
					mime: 'text/plain',
					audioFilters: measureLoudness(audio.channels),
					options: ['-vn'],
					expectedSeconds: facts.durationSeconds,
				},
			],
			estimatedCpuSeconds: estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: true }),
		};
	},
	conclude({ texts }) {
		const measured = readLoudness(texts[TEXT] ?? '');
		const output = loudnessFields(measured);
		const report = { ...output, short_term_interval_seconds: 1, short_term_lufs: measured.shortTermLufs };
		return { output, texts: [{ name: 'loudness.json', mime: 'application/json', content: JSON.stringify(report) }] };
	},
};
