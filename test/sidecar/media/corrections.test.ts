import { corrections } from '../../../sidecar/src/media/corrections.ts';
import { estimate, isPlayableH264 } from '../../../sidecar/src/media/codecs.ts';
import { ffmpegCall } from '../../../sidecar/src/media/ffmpeg-arguments.ts';
import { picture, sound, videoFacts } from '../../support/facts.ts';

const HDR = { hdr: 'pq', colorTransfer: 'smpte2084', colorPrimaries: 'bt2020', colorSpace: 'bt2020nc', pixelFormat: 'yuv420p10le' } as const;

describe('corrections', () => {
	it('leave an ordinary picture alone, and a still one', () => {
		expect(corrections(picture())).toEqual([]);
		expect(corrections(picture({ frameRate: 0, width: 31, height: 31 }))).toEqual([]);
	});

	it('make whole pictures of fields before anything else', () => {
		expect(corrections(picture({ interlaced: true, variableFrameRate: true, ...HDR }))[0]).toMatch(/^bwdif=.*deint=interlaced/);
	});

	it.each([
		[30, 'fps=30'],
		[29.97, 'fps=30000/1001'],
		[59.94, 'fps=60000/1001'],
		[23.976, 'fps=24000/1001'],
		[12.5, 'fps=12.5'],
	])('even the times of %d pictures a second', (frameRate, filter) => {
		expect(corrections(picture({ variableFrameRate: true, frameRate }))).toEqual([filter]);
	});

	it('bound the rate, whether it is even or not', () => {
		expect(corrections(picture({ frameRate: 1000 }))).toEqual(['fps=240']);
		expect(corrections(picture({ frameRate: 1000, variableFrameRate: true }))).toEqual(['fps=240']);
		expect(corrections(picture({ frameRate: 240 }))).toEqual([]);
	});

	it('turn HDR into ordinary colours, and fill in what it does not say', () => {
		expect(corrections(picture(HDR)).join()).toMatch(/color_trc=smpte2084:colorspace=bt2020nc.*tonemap.*t=bt709:m=bt709:r=tv,format=yuv420p$/);
		const bare = corrections(picture({ ...HDR, hdr: 'hlg', colorPrimaries: null, colorSpace: null, colorRange: null })).join();
		expect(bare).toContain('setparams=range=tv:color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc');
	});

	it('give HDR of an odd size whole colour, which zscale wants', () => {
		const odd = corrections(picture({ ...HDR, width: 321, height: 181 }));
		expect(odd[0]).toBe('format=yuv444p10le');
		expect(odd.at(-1)).toBe('format=yuv444p');
	});

	it('leave HDR as it is where ffmpeg cannot', () => {
		expect(corrections(picture(HDR), { toneMapping: false })).toEqual([]);
	});

	it('cost time', () => {
		const cost = (changes: object): number => estimate(videoFacts({ video: picture(changes) }), { seconds: 60, decode: true });
		expect(cost({ interlaced: true })).toBeGreaterThan(cost({}));
		expect(cost(HDR)).toBeGreaterThan(3 * cost({}));
	});

	it('stand before the filters of a picture and before a graph, and not before a copy', () => {
		const facts = videoFacts({ video: picture({ interlaced: true }) });
		const call = (output: object): string => {
			const planned = { name: 'a.mp4', kind: 'video' as const, mime: 'video/mp4', options: ['-c:v', 'libx264'], expectedSeconds: 1, ...output };
			const plan = { outputs: [planned], estimatedCpuSeconds: 1 };
			return ffmpegCall({ inputPath: '/in', facts, plan }, () => '/out').outputs[0]!.options.join(' ');
		};
		expect(call({ videoFilters: ['scale=2:2'] })).toMatch(/-filter:v bwdif=\S+,scale=2:2/);
		expect(call({ graph: { filters: '[v]scale=2:2[out]', map: ['[out]'] } })).toMatch(/\[0:V:0\]bwdif=[^;]+;\[o0_corrected\]scale/);
		expect(call({ options: ['-c:v', 'copy'] })).not.toContain('bwdif');
	});
});

describe('isPlayableH264', () => {
	it('takes no fields, no HDR and no rate that nothing shows', () => {
		expect(isPlayableH264(picture())).toBe(true);
		for (const changes of [{ interlaced: true }, { hdr: 'hlg' as const }, { frameRate: 1000 }, { pixelFormat: 'yuv420p10le' }])
			expect(isPlayableH264(picture(changes))).toBe(false);
	});
});

describe('the sound track', () => {
	it('is the one that the facts are about, in plain outputs and in graphs', () => {
		const facts = videoFacts({ audio: sound({ track: 2 }) });
		const planned = { name: 'a.mp4', kind: 'video' as const, mime: 'video/mp4', options: ['-c:v', 'copy'], expectedSeconds: 1 };
		const graph = { filters: '[a]volume=2[out]', map: ['v', '[out]', 'a?'] };
		const plan = { outputs: [planned, { ...planned, graph, options: ['-c:v', 'libx264'] }], estimatedCpuSeconds: 1 };
		const options = ffmpegCall({ inputPath: '/in', facts, plan }, () => '/out').outputs.flatMap((output) => output.options).join(' ');
		expect(options).toContain('-map 0:V:0 -map 0:a:2');
		expect(options).toContain('[0:a:2]volume=2');
		expect(options).not.toContain('0:a:0');
	});
});
