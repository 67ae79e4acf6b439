import { adaptive } from '../../../../sidecar/src/operations/video/adaptive.ts';
import { audioFacts, picture, sound, videoFacts } from '../../../support/facts.ts';

const planOf = (facts = videoFacts(), params: Record<string, unknown> = {}) => adaptive.plan(facts, adaptive.params.parse(params));
const optionsOf = (...args: Parameters<typeof planOf>): string => planOf(...args).outputs[0]?.options.join(' ') ?? '';

describe('adaptive', () => {
	it('decodes once, and makes every rung at the same steady rate', () => {
		expect(planOf(videoFacts(), { heights: [720, 360] }).outputs[0]).toMatchObject({
			name: 'adaptive/manifest.mpd',
			kind: 'package',
			graph: {
				filters:
					'[v]fps=30/1:start_time=0,split=2[branch0][branch1];[branch0]scale=1280:720,setdar=1280/720:max=10000[rung0];[branch1]scale=640:360,setdar=1280/720:max=10000[rung1]',
				map: ['[rung0]', '[rung1]', 'a?'],
			},
			expectedSeconds: 60,
		});
	});

	it('puts key frames at the same pictures of every rung, one segment apart', () => {
		expect(optionsOf()).toContain('-g 120 -keyint_min 120 -sc_threshold 0');
		const ntsc = videoFacts({ video: picture({ frameRate: 30000 / 1001 }) });
		expect(optionsOf(ntsc, { segment_seconds: 6 })).toMatch(/-g 180 .* -seg_duration 5\.989/);
		expect(planOf(ntsc).facts).toMatchObject({ segment_seconds: 4.004 });
		expect(optionsOf(videoFacts({ video: picture({ frameRate: 240 }) }), { segment_seconds: 1 })).toContain('-g 60 ');
	});

	it('limits each rung by its size', () => {
		expect(optionsOf(videoFacts(), { heights: [1080, 540] })).toContain(
			'-b:v:0 6000k -maxrate:v:0 6000k -bufsize:v:0 12000k -b:v:1 2100k -maxrate:v:1 2100k -bufsize:v:1 4200k',
		);
	});

	it('has one sound for all, copied where it complies', () => {
		expect(optionsOf()).toContain('-c:a copy');
		expect(optionsOf(videoFacts({ audio: sound({ codec: 'ac3', channels: 6 }) }))).toContain('-c:a aac -b:a 128k -ac 2');
		expect(optionsOf()).toContain('id=0,streams=v id=1,streams=a');
		const silent = optionsOf(videoFacts({ audio: null }));
		expect(silent).not.toContain('-c:a');
		expect(silent).not.toContain('streams=a');
	});

	it('makes the manifests that were asked for', () => {
		expect(planOf().facts).toMatchObject({ manifests: { hls: 'adaptive/master.m3u8', dash: 'adaptive/manifest.mpd' } });
		expect(planOf(videoFacts(), { manifests: 'hls' }).outputs[0]?.leaveOut).toEqual(['manifest.mpd']);
		expect(optionsOf(videoFacts(), { manifests: 'dash' })).not.toContain('-hls_playlist');
	});

	it('says which rungs the source cannot give', () => {
		expect(planOf().reason).toBeUndefined();
		expect(planOf(videoFacts({ video: picture({ width: 640, height: 360 }) })).reason).toMatch(/640 x 360: larger rungs were left out/);
	});

	it('costs more the more rungs there are', () => {
		expect(planOf().estimatedCpuSeconds).toBeGreaterThan(planOf(videoFacts(), { heights: [1080] }).estimatedCpuSeconds);
	});

	it('refuses sound alone, no rungs, and unknown fields', () => {
		expect(() => planOf(audioFacts())).toThrow(expect.objectContaining({ code: 'input_no_video' }));
		expect(adaptive.params.safeParse({ heights: [] }).success).toBe(false);
		expect(adaptive.params.safeParse({ rungs: [720] }).success).toBe(false);
	});
});
