import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { declaredEnd } from '../../../sidecar/src/media/cut-off.ts';
import { oddFile } from '../../fixtures/corpus.ts';

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'cut-off-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('declaredEnd', () => {
	it.each([
		['an AVI', 'xvid', 'avi'],
		['a WMV', 'wmv', 'asf'],
		['an MP4', 'tenBit', 'mov'],
	])('is the end of %s that is whole, and behind the end of one that was cut', async (_what, name, demuxer) => {
		const whole = oddFile(name);
		const { size } = await stat(whole);
		expect(await declaredEnd(whole, size, demuxer)).toBeLessThanOrEqual(size);
		const cut = join(folder, `${name}-cut`);
		await writeFile(cut, (await readFile(whole)).subarray(0, Math.floor(size * 0.7)));
		const left = (await stat(cut)).size;
		expect(await declaredEnd(cut, left, demuxer)).toBeGreaterThan(left);
	});

	it('believes no recorder that did not know the length', async () => {
		const live = join(folder, 'live.avi');
		await copyFile(oddFile('xvid'), live);
		const bytes = await readFile(live);
		for (const claimed of [0, 0xffffffff]) {
			bytes.writeUInt32LE(claimed, 4);
			await writeFile(live, bytes);
			expect(await declaredEnd(live, bytes.length, 'avi')).toBe(bytes.length);
		}
	});

	it('asks nothing of formats that do not say it, and copes with almost nothing', async () => {
		const tiny = join(folder, 'tiny');
		await writeFile(tiny, 'RI');
		expect(await declaredEnd(tiny, 2, 'avi')).toBe(2);
		expect(await declaredEnd(tiny, 2, 'asf')).toBe(2);
		expect(await declaredEnd(tiny, 2, 'matroska')).toBe(2);
	});
});
