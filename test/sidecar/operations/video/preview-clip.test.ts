import { previewClip } from '../../../../sidecar/src/operations/video/preview-clip.ts';
import { audioFacts, picture, videoFacts } from '../../../support/facts.ts';

const planOf = (params: Record<string, unknown> = {}, facts = videoFacts()) => previewClip.plan(facts, previewClip.params.parse(params));
const excerptsOf = (...args: Parameters<typeof planOf>) => planOf(...args).outputs[0]?.excerpts;
const lasting = (durationSeconds: number) => videoFacts({ durationSeconds, video: picture({ durationSeconds }) });

describe('preview_clip', () => {
	it('shows parts from all over the video', () => {
		expect(excerptsOf()).toEqual([3, 20.667, 38.333, 56].map((seekSeconds) => ({ seekSeconds, durationSeconds: 1 })));
		expect(planOf().outputs[0]?.graph?.filters).toMatch(/\[x4\]fps=10:start_time=0,scale=400:226,setsar=1\[part3\];\[part0\]\[part1\]\[part2\]\[part3\]concat=n=4/);
	});

	it('shows the middle of a video that is little longer, and the whole of a shorter one', () => {
		expect(excerptsOf({}, lasting(6))).toEqual([{ seekSeconds: 1, durationSeconds: 4 }]);
		expect(excerptsOf({}, lasting(2))).toEqual([{ seekSeconds: 0, durationSeconds: 2 }]);
		expect(planOf({}, lasting(2)).reason).toMatch(/shows all of it/);
	});

	it('begins where it is told, but ends with the video', () => {
		expect(excerptsOf({ start: 10, seconds: 3 })).toEqual([{ seekSeconds: 10, durationSeconds: 3 }]);
		expect(excerptsOf({ start: 500, seconds: 3 })).toEqual([{ seekSeconds: 57, durationSeconds: 3 }]);
	});

	it('never gets larger or faster than the source', () => {
		expect(planOf({ fps: 30, width: 1280 }, videoFacts({ video: picture({ width: 320, height: 180, frameRate: 15 }) })).facts).toMatchObject({ width: 320, height: 180, fps: 15 });
	});

	it('refuses sound alone', () => {
		expect(() => planOf({}, audioFacts())).toThrow(expect.objectContaining({ code: 'input_no_video' }));
	});
});
