import { preview } from '../../../../sidecar/src/operations/video/preview.ts';
import { audioFacts, picture, sound, videoFacts } from '../../../support/facts.ts';
import { runOperation } from '../../../support/engine.ts';

const planOf = (facts = videoFacts(), params: Record<string, unknown> = {}) => preview.plan(facts, preview.params.parse(params));
const small = { width: 640, height: 360, bitrate: 300_000 };

describe('preview', () => {
	it('is 720p at CRF 28 with the index first', () => {
		const output = planOf().outputs[0];
		expect(output).toMatchObject({ name: 'preview.mp4', videoFilters: ['scale=1280:720', 'setsar=1'] });
		expect(output?.options.join(' ')).toMatch(/libx264 -preset veryfast -crf 28 .*-movflags \+faststart/);
	});

	it('of a portrait is 720 pixels wide', () => {
		expect(planOf(videoFacts({ video: picture({ width: 1080, height: 1920 }) })).facts).toMatchObject({ width: 720, height: 1280 });
	});

	it('has at most 30 pictures a second', () => {
		expect(planOf(videoFacts({ video: picture({ frameRate: 60 }) })).outputs[0]?.videoFilters?.[0]).toBe('fps=30');
	});

	it('copies what is small already', () => {
		const plan = planOf(videoFacts({ video: picture(small), audio: sound({ bitrate: 96_000 }) }));
		expect(plan.outputs[0]?.options).toEqual(['-c:v', 'copy', '-c:a', 'copy', '-movflags', '+faststart']);
		expect(plan.reason).toMatch(/small already: its streams are copied/);
		expect(planOf(videoFacts({ video: picture(small), audio: sound({ bitrate: 320_000 }) })).reason).toMatch(/only the sound is encoded/);
	});

	it.each([
		['too rich', picture({ ...small, bitrate: 3_000_000 })],
		['of an unknown codec', picture({ ...small, codec: 'vp9' })],
		['too fast', picture({ ...small, frameRate: 60 })],
		['interlaced', picture({ ...small, interlaced: true })],
	])('encodes what is %s', (_why, video) => {
		expect(planOf(videoFacts({ video })).outputs[0]?.options).toContain('libx264');
	});

	it('refuses sound alone', () => {
		expect(() => planOf(audioFacts())).toThrow(expect.objectContaining({ code: 'input_no_video' }));
	});

	it('plays, for real', async () => {
		const { facts } = await runOperation(preview, 'rotated', { height: 240 });
		expect(facts).toMatchObject({ mime: 'video/mp4', video: { codec: 'h264', width: 240, height: 426, rotation: 0 }, audio: { codec: 'aac' } });
	});
});
