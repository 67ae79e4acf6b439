import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cutWav, wavHeader, wavSeconds } from '../../../sidecar/src/ai/wav.ts';
import { inFolder } from '../../support/engine.ts';

/** A second of samples that count from 0. */
const counting = (): Buffer => Buffer.from(Int16Array.from({ length: 16_000 }, (_, index) => index).buffer);

describe('WAV', () => {
	it('is cut at samples, without a change of them', async () => {
		await inFolder(async (folder) => {
			const [from, to] = [join(folder, 'from.wav'), join(folder, 'to.wav')];
			await writeFile(from, Buffer.concat([wavHeader(32_000), counting()]));
			await cutWav(from, to, { start: 0.25, end: 0.5 });
			const made = await readFile(to);
			expect(made.readInt16LE(44)).toBe(4000);
			expect(made.readInt16LE(made.length - 2)).toBe(7999);
			expect(await wavSeconds(to)).toBe(0.25);
		});
	});

	it('is cut to what is there', async () => {
		await inFolder(async (folder) => {
			const [from, to] = [join(folder, 'from.wav'), join(folder, 'to.wav')];
			await writeFile(from, Buffer.concat([wavHeader(32_000), counting()]));
			await cutWav(from, to, { start: -1, end: 5 });
			expect(await wavSeconds(to)).toBe(1);
			await cutWav(from, to, { start: 3, end: 5 });
			expect(await wavSeconds(to)).toBe(0);
		});
	});

	it('of ffmpeg has tags before its samples, and no length where it was streamed', async () => {
		await inFolder(async (folder) => {
			const path = join(folder, 'streamed.wav');
			const tone = ['-v', 'error', '-f', 'lavfi', '-i', 'sine=d=2:r=16000', '-metadata', 'title=data data data', '-c:a', 'pcm_s16le', '-f', 'wav', '-'];
			await writeFile(path, execFileSync('ffmpeg', tone));
			expect(await wavSeconds(path)).toBe(2);
		});
	});

	it('of another kind is refused', async () => {
		await inFolder(async (folder) => {
			const path = join(folder, 'stereo.wav');
			execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=d=1:r=44100', '-ac', '2', path]);
			await expect(wavSeconds(path)).rejects.toThrow('44100 Hz, 2 channels, 16 bits, expected 16000 Hz');
			await writeFile(path, 'no sound at all, but long enough to look like some');
			await expect(wavSeconds(path)).rejects.toThrow('no WAV');
		});
	});
});
