import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { decodeAll } from '../../../sidecar/src/media/decode.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { fixture } from '../../fixtures/media.ts';
import { until } from '../../support/pipeline.ts';

/** Processes of ffmpeg that read this file. */
const readers = (path: string): number[] =>
	execFileSync('ps', ['-eo', 'pid=,args='])
		.toString()
		.split('\n')
		.filter((line) => line.includes('ffmpeg') && line.includes(path))
		.map((line) => Number.parseInt(line, 10));

describe('decoding everything', () => {
	let folder: string;
	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'decode-'));
	});
	afterAll(() => rm(folder, { recursive: true, force: true }));
	const live = (): AbortSignal => new AbortController().signal;
	const decode = async (path: string, { signal = live(), onProgress = (_percent: number): void => {} } = {}) => decodeAll(path, await probe(path), { signal, onProgress });

	/** Long enough to be caught while it is decoded. */
	async function long(): Promise<string> {
		const path = join(folder, 'long.mp4');
		execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=30:d=40', '-c:v', 'libx264', '-preset', 'ultrafast', path]);
		return path;
	}

	it('finds nothing in what is whole, and the place of the damage in what is not', async () => {
		await expect(decode(fixture('landscape'))).resolves.toBeUndefined();
		await expect(decode(fixture('corruptMiddle'))).rejects.toMatchObject({ code: 'input_corrupt', details: { rule: 'checks.decode', at_seconds: expect.any(Number) } });
	});

	it.each(['jpeg', 'png', 'webp', 'avif'] as const)('finds a %s that is cut off', async (format) => {
		const noise = Buffer.from(Array.from({ length: 128 * 128 * 3 }, (_, index) => (index * 7919) % 251));
		const whole = await sharp(noise, { raw: { width: 128, height: 128, channels: 3 } }).toFormat(format).toBuffer();
		const path = join(folder, `whole.${format}`);
		await writeFile(path, whole);
		const facts = await probe(path);
		await expect(decodeAll(path, facts, { signal: live(), onProgress: () => {} })).resolves.toBeUndefined();
		const cut = join(folder, `cut.${format}`);
		await writeFile(cut, (await readFile(path)).subarray(0, Math.floor(whole.length * 0.6)));
		await expect(decodeAll(cut, facts, { signal: live(), onProgress: () => {} })).rejects.toMatchObject({ code: 'input_corrupt' });
	});

	it('does not call a file damaged because the operating system ended ffmpeg; stops with the reason of the job', async () => {
		const path = await long();
		const killed = decode(path);
		await until(() => readers(path).length > 0, 'ffmpeg runs');
		for (const pid of readers(path)) process.kill(pid, 'SIGKILL');
		await expect(killed).rejects.toMatchObject({ code: 'processing_stalled', retryable: true });

		const stop = new AbortController();
		const stopped = decode(path, { signal: stop.signal });
		await until(() => readers(path).length > 0, 'ffmpeg runs');
		const reason = new Error('cancelled');
		stop.abort(reason);
		await expect(stopped).rejects.toBe(reason);
		expect(readers(path)).toEqual([]);
	}, 120_000);
});
