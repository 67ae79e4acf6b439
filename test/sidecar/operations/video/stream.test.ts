import { readFileSync } from 'node:fs';
import { stream } from '../../../../sidecar/src/operations/video/stream.ts';
import { fixture } from '../../../fixtures/media.ts';
import { audioFacts, picture, sound, videoFacts } from '../../../support/facts.ts';
import { runOperation, runOperationOn } from '../../../support/engine.ts';

const planOf = (facts = videoFacts(), params: Record<string, unknown> = {}) => stream.plan(facts, stream.params.parse(params));
const optionsOf = (...args: Parameters<typeof planOf>): string => planOf(...args).outputs[0]?.options.join(' ') ?? '';

describe('stream', () => {
	it('only moves the index of what complies, whatever its bitrate', () => {
		const plan = planOf(videoFacts({ video: picture({ bitrate: 60_000_000 }), audio: sound({ bitrate: 320_000 }) }));
		expect(plan.outputs[0]?.options).toEqual(['-c:v', 'copy', '-c:a', 'copy', '-movflags', '+faststart']);
		expect(plan.reason).toMatch(/its streams are copied/);
	});

	it('encodes the sound alone where only that must be', () => {
		expect(optionsOf(videoFacts({ audio: sound({ codec: 'ac3', channels: 6 }) }))).toBe('-c:v copy -c:a aac -b:a 160k -ac 2 -movflags +faststart');
	});

	it.each([
		['of another codec', picture({ codec: 'hevc' })],
		['with 10 bits', picture({ pixelFormat: 'yuv420p10le', bitDepth: 10 })],
		['of an odd size', picture({ width: 641 })],
	])('encodes a picture %s, with a key frame every two seconds', (_what, video) => {
		expect(optionsOf(videoFacts({ video }))).toMatch(/libx264 .*-g 60 -c:a copy/);
	});

	it('keeps the size, but for an odd pixel', () => {
		expect(planOf(videoFacts({ video: picture({ width: 641, height: 361 }) })).facts).toMatchObject({ width: 640, height: 360 });
	});

	it('refuses sound alone', () => {
		expect(() => planOf(audioFacts())).toThrow(expect.objectContaining({ code: 'input_no_video' }));
	});

	it('has its index first, for real', async () => {
		await runOperationOn(stream, fixture('rotated'), {}, async ({ files }) => {
			const bytes = readFileSync(files[0]?.path ?? '');
			expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
		});
		const { facts } = await runOperation(stream, 'avi', {});
		expect(facts).toMatchObject({ video: { codec: 'h264', width: 320, height: 240 }, audio: { codec: 'aac' } });
	});
});
