import { refuseOtherKinds } from '../../../../sidecar/src/operations/operation.ts';
import { createConvert } from '../../../../sidecar/src/operations/video/convert.ts';
import { audioFacts, imageFacts, picture, sound, videoFacts } from '../../../support/facts.ts';

const convert = createConvert();
const planOf = (format: string, facts = videoFacts()) => convert.plan(facts, convert.params.parse({ format }));
const optionsOf = (...args: Parameters<typeof planOf>): string => planOf(...args).outputs[0]?.options.join(' ') ?? '';

describe('convert', () => {
	it('copies streams that fit, and says so', () => {
		expect(optionsOf('mp4_h264')).toBe('-c:v copy -c:a copy -movflags +faststart');
		expect(planOf('mp4_h264').reason).toMatch(/copied/);
		expect(optionsOf('mp4_h265', videoFacts({ video: picture({ codec: 'hevc' }) }))).toBe(
			'-c:v copy -c:a copy -tag:v hvc1 -movflags +faststart',
		);
		expect(optionsOf('mp3', audioFacts())).toBe('-c:a copy');
		const webm = (changes: Parameters<typeof picture>[0]) => optionsOf('webm_vp9', videoFacts({ container: 'matroska,webm', audio: null, video: picture({ codec: 'vp9', ...changes }) }));
		expect(webm({})).toMatch(/^-c:v copy/);
		// WebM holds transparency, but no rotation.
		expect(webm({ pixelFormat: 'yuva420p' })).toMatch(/^-c:v copy/);
		expect(webm({ rotation: 90 })).toMatch(/^-c:v libvpx-vp9/);
	});

	it('encodes only the sound where only the sound does not fit', () => {
		const plan = planOf('mov_h264', videoFacts({ audio: sound({ codec: 'ac3' }) }));
		expect(plan.outputs[0]?.options.join(' ')).toMatch(/^-c:v copy -c:a aac/);
		expect(plan.reason).toMatch(/only the sound/);
	});

	it.each([
		['mp4_h264', 'libx264', 'video/mp4'],
		['mp4_h265', 'libx265', 'video/mp4'],
		['mp4_av1', 'libsvtav1', 'video/mp4'],
		['webm_vp9', 'libvpx-vp9', 'video/webm'],
		['mov_h264', 'libx264', 'video/quicktime'],
	])('makes %s with %s', (format, encoder, mime) => {
		const [output] = planOf(
			format,
			videoFacts({ video: picture({ codec: 'mpeg4', width: 641, height: 361 }) }),
		).outputs;
		expect(output?.options).toEqual(expect.arrayContaining(['-c:v', encoder]));
		expect(output).toMatchObject({ mime, videoFilters: ['scale=640:360', 'setsar=1'] });
	});

	it.each([
		['mp3', 'audio/mpeg', '-c:a libmp3lame -b:a 160k'],
		['m4a_aac', 'audio/mp4', '-c:a aac -b:a 160k'],
		['wav', 'audio/wav', '-c:a pcm_s16le -rf64 auto'],
		['flac', 'audio/flac', '-c:a flac -sample_fmt s16'],
		['ogg_opus', 'audio/ogg', '-c:a libopus -b:a 160k -ar 48000'],
	])('makes %s of the sound of a video', (format, mime, options) => {
		const [output] = planOf(format, videoFacts({ audio: sound({ codec: 'ac3' }) })).outputs;
		expect(output).toMatchObject({ kind: 'audio', mime });
		expect(output?.options.join(' ')).toBe(options);
	});

	it('takes another encoder of AV1 where the first is missing, and offers no format without one', () => {
		const small = createConvert(new Set(['libx264', 'libaom-av1', 'libvpx-vp9']));
		expect(small.plan(videoFacts(), small.params.parse({ format: 'mp4_av1' })).outputs[0]?.options).toContain(
			'libaom-av1',
		);
		expect(small.params.safeParse({ format: 'mp4_h265' }).success).toBe(false);
	});

	it.each([
		['mp4_h264', audioFacts(), 'input_no_video'],
		['mp3', videoFacts({ audio: null }), 'input_no_audio'],
	])('refuses to make %s of what cannot become it (%#)', (format, facts, code) => {
		expect(() => planOf(format, facts)).toThrow(
			expect.objectContaining({
				code,
				details: expect.objectContaining({ field: 'params.format', allowed: expect.any(String) }),
			}),
		);
	});

	it('sends pictures to the operation that is made for them', () => {
		expect(() => refuseOtherKinds(convert, imageFacts())).toThrow(expect.objectContaining({ code: 'input_unsupported', message: expect.stringContaining('image_convert') }));
		expect(convert.params.safeParse({ format: 'jpeg' }).success).toBe(false);
	});

	it('keeps within what MP3 and Opus can hold', () => {
		const surround = videoFacts({ audio: sound({ codec: 'dts', channels: 6, sampleRate: 96_000 }) });
		expect(optionsOf('mp3', surround)).toBe('-c:a libmp3lame -b:a 160k -ar 48000 -ac 2');
		expect(optionsOf('webm_vp9', surround)).toMatch(/libopus -b:a 160k -ar 48000 -ac 2/);
	});
});
