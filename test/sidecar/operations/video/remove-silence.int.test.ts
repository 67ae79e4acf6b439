import { execFileSync } from 'node:child_process';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { removeSilence } from '../../../../sidecar/src/operations/video/remove-silence.ts';
import { ffmpeg, fixtures } from '../../../fixtures/make.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';

const BEEPS = 51;
const flashes = "geq=lum='if(lt(mod(N,30),6),235,16)':cb=128:cr=128";
const file = fixtures(
	{
		/** 51 s at 30 fps: each second begins with a white picture and a tone, both for 0.2 s. The rest is silent. */
		beeps: {
			file: 'beeps.mp4',
			make: (target) =>
				ffmpeg(
					...['-f', 'lavfi', '-i', `color=black:s=64x48:r=30:d=${BEEPS},format=yuv420p,${flashes}`],
					...['-f', 'lavfi', '-i', `aevalsrc='0.5*lt(mod(t,1),0.2)*sin(2*PI*1000*t)':s=48000:d=${BEEPS}`],
					...['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', target],
				),
		},
		mute: { file: 'mute.wav', make: (target) => ffmpeg('-f', 'lavfi', '-i', 'anullsrc=r=48000:cl=mono', '-t', '3', target) },
		/** A tone, 2 s of nothing, a tone. */
		pause: { file: 'pause.wav', make: (target) => ffmpeg('-f', 'lavfi', '-i', "aevalsrc='0.5*(lt(t,1)+gt(t,3))*sin(2*PI*440*t)':s=48000:d=4", target) },
	},
	import.meta.url,
);

/** Times at which it becomes bright, and at which it becomes loud. */
function onsets(path: string): { bright: number[]; loud: number[] } {
	const run = (...args: string[]) => execFileSync('ffmpeg', ['-v', 'error', '-i', path, ...args], { maxBuffer: 1e8 });
	const pictures = run('-vf', 'scale=1:1', '-pix_fmt', 'gray', '-f', 'rawvideo', '-');
	const bright = [...pictures].flatMap((value, frame) => (value > 128 && (pictures[frame - 1] ?? 0) <= 128 ? [frame / 30] : []));
	const sound = run('-ac', '1', '-ar', '8000', '-f', 's16le', '-');
	const loud: number[] = [];
	let quietSince = -1;
	for (let index = 0; index < sound.length / 2; index += 1) {
		if (Math.abs(sound.readInt16LE(index * 2)) < 1500) continue;
		if (index / 8000 - quietSince > 0.02) loud.push(index / 8000);
		quietSince = index / 8000;
	}
	return { bright, loud };
}

describe('remove_silence', () => {
	it('keeps picture and sound together over fifty cuts', async () => {
		await runOperationOn(removeSilence, file('beeps'), { padding_seconds: 0.1 }, async ({ files, output }) => {
			const made = files[0]!.path;
			const facts = await probe(made);
			// 0.2 s of tone and twice 0.1 s of padding in each of 51 seconds; the first has none before it.
			expect(facts.durationSeconds).toBeGreaterThan(BEEPS * 0.4 - 1.5);
			expect(facts.durationSeconds).toBeLessThan(BEEPS * 0.4 + 1.5);
			expect(output['duration_seconds']).toBeCloseTo(facts.durationSeconds, 0);
			const { bright, loud } = onsets(made);
			expect([bright.length, loud.length]).toEqual([BEEPS, BEEPS]);
			const apart = bright.map((at, index) => Math.abs(at - (loud[index] ?? -1)));
			expect(Math.max(...apart)).toBeLessThanOrEqual(0.04);
		});
	});

	it('cuts a sound in its own format, to the sample', async () => {
		await runOperationOn(removeSilence, file('pause'), { padding_seconds: 0 }, async ({ files, output }) => {
			const facts = await probe(files[0]!.path);
			expect([files[0]!.name, facts.fileType]).toEqual(['without-silence.wav', 'audio']);
			expect(facts.durationSeconds).toBeCloseTo(2, 1);
			expect(output['removed_seconds']).toBeCloseTo(2, 1);
		});
	});

	it('copies a video in which nobody pauses', async () => {
		await runOperationOn(removeSilence, fixture('landscape'), {}, async ({ files, output }) => {
			expect((await probe(files[0]!.path)).video).toMatchObject({ codec: 'h264', width: 1280 });
			expect(output).toMatchObject({ removed_seconds: 0, reason: expect.stringContaining('nothing was cut') as string });
		});
	});

	it('refuses a sound that is all silence, and a video without sound', async () => {
		await expect(runOperationOn(removeSilence, file('mute'), {}, async () => {})).rejects.toMatchObject({ code: 'invalid_request', details: { field: 'params.threshold_db' } });
		await expect(runOperationOn(removeSilence, fixture('silent'), {}, async () => {})).rejects.toMatchObject({ code: 'input_no_audio' });
	});
});
