import type { MediaFacts } from '../../../sidecar/src/media/facts.ts';
import { attachmentsOf, ffmpegCall } from '../../../sidecar/src/media/ffmpeg-arguments.ts';
import type { PlannedOutput } from '../../../sidecar/src/media/plan.ts';
import { picture as frame, videoFacts } from '../../support/facts.ts';

const picture = (seekSeconds?: number): PlannedOutput => ({
	name: 'a.jpg',
	kind: 'image',
	mime: 'image/jpeg',
	seekSeconds,
	options: ['-q:v', '4'],
	expectedSeconds: 0,
});
const movie: PlannedOutput = {
	name: 'a.mp4',
	kind: 'video',
	mime: 'video/mp4',
	videoFilters: ['fps=10', 'scale=2:2'],
	options: ['-c:v', 'libx264'],
	expectedSeconds: 3,
};
const callOf = (outputs: PlannedOutput[], facts: MediaFacts = videoFacts()) =>
	ffmpegCall(
		{ inputPath: '/in/-x:%d.mp4', facts, plan: { outputs, estimatedCpuSeconds: 1 } },
		(output, index) => `/out/${index}-${output.name}`,
	);

describe('ffmpegCall', () => {
	it('opens the input once for all outputs that begin at the same place', () => {
		const { inputs, outputs } = callOf([movie, { ...movie, videoFilters: ['scale=4:4'] }, picture(1.5), picture(1.5), picture(2)]);
		expect(inputs).toHaveLength(3);
		expect(inputs[1]?.options).toEqual(expect.arrayContaining(['-ss', '1.500']));
		expect(outputs.map(({ options }) => options[options.indexOf('-map') + 1])).toEqual([
			'0:V:0',
			'0:V:0',
			'1:V:0',
			'1:V:0',
			'2:V:0',
		]);
	});

	it('lets every input read files only, with the demuxer of its magic number, and not too many pixels', () => {
		for (const { options, url } of callOf([movie, picture(1)]).inputs) {
			expect(options.join(' ')).toMatch(/-protocol_whitelist file -max_pixels 67108864 -f mov$/);
			expect(url).toBe('file:/in/-x:%d.mp4');
		}
	});

	it('seeks to each excerpt of the source that meets in a graph, and corrects each', () => {
		const graph = { filters: '[x1][x2]concat=n=2[out]', map: ['[out]'] };
		const excerpts = [
			{ seekSeconds: 5, durationSeconds: 1 },
			{ seekSeconds: 50, durationSeconds: 1 },
		];
		const { inputs, outputs } = callOf([movie, { ...movie, graph, excerpts }]);
		expect(inputs.slice(1).map(({ options }) => options.slice(0, 4).join(' '))).toEqual(['-ss 5.000 -t 1.000', '-ss 50.000 -t 1.000']);
		expect(outputs[0]?.options.slice(0, 2)).toEqual(['-filter_complex', '[1:V:0][2:V:0]concat=n=2[o1_out]']);
		const interlaced = callOf([{ ...movie, graph, excerpts }], videoFacts({ video: frame({ interlaced: true }) })).outputs[0]?.options[1];
		expect(interlaced).toMatch(/^\[0:V:0\]bwdif[^;]*\[o0_correctedx1\];\[1:V:0\]bwdif[^;]*\[o0_correctedx2\];\[o0_correctedx1\]\[o0_correctedx2\]concat/);
	});

	it('asks nothing of the terminal', () => {
		expect(callOf([movie]).inputs[0]?.options).toEqual(expect.arrayContaining(['-nostdin', '-y', '-progress']));
	});

	it('takes sound only where there is some and where it is wanted', () => {
		const maps = (outputs: PlannedOutput[], facts?: MediaFacts): number =>
			callOf(outputs, facts).outputs[0]?.options.filter((option) => option === '-map').length ?? 0;
		expect(maps([movie])).toBe(2);
		expect(maps([movie], videoFacts({ audio: null }))).toBe(1);
		expect(maps([{ ...movie, options: ['-an'] }])).toBe(1);
		expect(maps([{ ...movie, kind: 'audio' }])).toBe(1);
		expect(maps([picture()])).toBe(1);
	});

	it('takes the sound track that an output names', () => {
		expect(callOf([{ ...movie, kind: 'audio', audioTrack: 2 }]).outputs[0]?.options).toContain('0:a:2');
	});

	it('writes a picture as one file, whatever its name looks like', () => {
		expect(callOf([picture()]).outputs[0]?.options.slice(-10)).toEqual([
			'-frames:v',
			'1',
			'-threads',
			'1',
			'-update',
			'1',
			'-atomic_writing',
			'1',
			'-f',
			'image2',
		]);
	});

	it('joins filters in their order', () => {
		expect(callOf([movie]).outputs[0]?.options).toEqual(expect.arrayContaining(['-filter:v', 'fps=10,scale=2:2']));
	});

	it('names a file of its own for what filters of an output write, beside its file', () => {
		const written = { ...movie, audioFilters: ['ametadata=print:file={text}'] };
		expect(callOf([written]).outputs[0]?.options).toContain('ametadata=print:file=/out/0-a.mp4.txt');
		expect(callOf([{ ...written, kind: 'text' }]).outputs[0]?.options).toContain('ametadata=print:file=/out/0-a.mp4');
		const graph = { filters: '[a]ametadata=print:file={text}[out]', map: ['[out]'] };
		expect(callOf([{ ...movie, graph }]).outputs[0]?.options[1]).toContain('file=/out/0-a.mp4.txt');
	});

	it('names the place of each attachment, beside the file', () => {
		const attached = { ...movie, videoFilters: ['lut3d=file={file:look.cube}'], attachments: { 'look.cube': 'LUT' } };
		const [output] = callOf([attached]).outputs;
		expect(output?.options).toContain('lut3d=file=/out/0-a.mp4.txt.look.cube');
		expect(attachmentsOf(attached, output?.path ?? '')).toEqual([{ path: '/out/0-a.mp4.txt.look.cube', content: 'LUT' }]);
	});

	it('refuses facts of a type that is not read', () => {
		expect(() => callOf([movie], videoFacts({ mime: 'application/x-mpegurl' }))).toThrow(/cannot be processed/);
	});
});
