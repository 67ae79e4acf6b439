import { readFile } from 'node:fs/promises';
import { loudness } from '../../../../sidecar/src/operations/audio/loudness.ts';
import { audioFixture, type AudioFixtureName } from '../../../fixtures/audio.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { videoFacts } from '../../../support/facts.ts';
import { measured } from '../../../support/sound.ts';

const report = (path: string) =>
	runOperationOn(loudness, path, {}, async ({ files, output }) => ({
		output,
		file: JSON.parse(await readFile(files[0]!.path, 'utf8')) as { integrated_lufs: number | null; short_term_lufs: Array<number | null> },
	}));

describe('loudness', () => {
	it.each<AudioFixtureName>(['speechMono', 'tone', 'surroundTones'])('agrees with the summary of ffmpeg on %s', async (name) => {
		const { lufs, truePeak, range } = measured(audioFixture(name));
		const { output, file } = await report(audioFixture(name));
		expect(output['integrated_lufs']).toBeCloseTo(lufs, 0);
		expect(Math.abs((output['true_peak_dbtp'] as number) - truePeak)).toBeLessThan(0.2);
		expect(Math.abs((output['loudness_range_lu'] as number) - range)).toBeLessThan(0.2);
		expect(file).toMatchObject(output);
	});

	it('tells the course: one value a second, silence as null', async () => {
		const tone = await report(audioFixture('tone'));
		expect(tone.file.short_term_lufs).toHaveLength(5);
		expect(tone.file.short_term_lufs.at(-1)).toBeCloseTo(-21.8, 0);
		const silence = await report(audioFixture('silence'));
		expect(silence.file).toMatchObject({ integrated_lufs: null, true_peak_dbtp: null, short_term_lufs: [null, null, null] });
	});

	it('reads the sound of a video, and refuses one without', async () => {
		expect((await report(fixture('speech'))).output['integrated_lufs']).toBeLessThan(-10);
		expect(() => loudness.plan(videoFacts({ audio: null }), {})).toThrow(expect.objectContaining({ code: 'input_no_audio' }));
	});
});
