import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gtcrn, type GtcrnRequest } from '../../../sidecar/src/media/gtcrn.ts';
import { audioFixture } from '../../fixtures/audio.ts';
import { inFolder } from '../../support/engine.ts';
import { rmsDb, samplesOf } from '../../support/sound.ts';

/** Options of ffmpeg for the WAV that is handed over. */
const cleaned = async <T>(options: string[], changes: Partial<GtcrnRequest>, look: (made: { from: string; to: string; cpuSeconds: number }) => T): Promise<T> =>
	inFolder(async (folder) => {
		const [from, to] = [join(folder, 'from.wav'), join(folder, 'to.wav')];
		execFileSync('ffmpeg', ['-v', 'error', '-i', audioFixture('noisy'), '-t', '3', '-c:a', 'pcm_s16le', ...options, from]);
		const { cpuSeconds } = await gtcrn({ from, to, seconds: 3, channels: 1, signal: new AbortController().signal, onProgress: () => {}, ...changes });
		return look({ from, to, cpuSeconds });
	});

const samples = ({ to }: { to: string }): Float32Array => samplesOf(to);

describe('gtcrn', () => {
	let plain: Float32Array;
	beforeAll(async () => {
		plain = await cleaned(['-map_metadata', '-1'], {}, samples);
	});

	it.each([
		['a title that says where the data begins', ['-metadata', 'title=fmt and data, really']],
		['tags of 8 kB', ['-metadata', `comment=${'x'.repeat(8000)}`]],
		['a header with room for 64 bits', ['-rf64', 'always']],
	])('finds the samples behind %s', async (_what, options) => {
		expect(rmsDb(plain)).toBeGreaterThan(-40);
		expect(await cleaned(options, {}, samples)).toEqual(plain);
	});

	it('tells how far it is, and what it took', async () => {
		const percents: number[] = [];
		const { cpuSeconds } = await cleaned([], { onProgress: (percent) => percents.push(percent) }, (made) => made);
		expect(cpuSeconds).toBeGreaterThan(0);
		expect(percents.length).toBeGreaterThan(1);
		expect(percents).toEqual([...percents].sort((a, b) => a - b));
		expect(percents.at(-1)).toBeCloseTo(100, 0);
	});

	it('ends at its deadline, and when it is called off', async () => {
		await expect(cleaned([], { deadlineSeconds: 0.001 }, () => null)).rejects.toMatchObject({ code: 'processing_timeout' });
		const abort = new AbortController();
		await expect(cleaned([], { signal: abort.signal, onProgress: () => abort.abort() }, () => null)).rejects.toMatchObject({ code: 'cancelled' });
		expect(await children()).toEqual([]);
	});

	it('says what to do where it cannot read', async () => {
		await inFolder(async (folder) => {
			const request = { from: join(folder, 'missing.wav'), to: join(folder, 'to.wav'), seconds: 1, channels: 1, signal: new AbortController().signal, onProgress: () => {} };
			await expect(gtcrn(request)).rejects.toMatchObject({ code: 'processing_failed', message: expect.stringContaining('engine ffmpeg') });
		});
	});
});

/** Command lines of the children of this process that are noise suppressors. */
async function children(): Promise<string[]> {
	if (process.platform !== 'linux') return [];
	const tasks = await readdir(`/proc/${process.pid}/task`);
	const pids = tasks.flatMap((task) => execFileSync('cat', [`/proc/${process.pid}/task/${task}/children`], { encoding: 'utf8' }).split(' ').filter(Boolean));
	return pids.map((pid) => execFileSync('sh', ['-c', 'tr "\\0" " " < /proc/$0/cmdline 2>/dev/null || true', pid], { encoding: 'utf8' })).filter((line) => line.includes('gtcrn-child'));
}
