import { execFileSync } from 'node:child_process';
import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageFiles } from '../../../sidecar/src/media/package.ts';
import type { PlannedOutput } from '../../../sidecar/src/media/plan.ts';
import { inFolder } from '../../support/engine.ts';

const planned: PlannedOutput = { name: 'adaptive/manifest.mpd', kind: 'package', mime: 'application/dash+xml', options: [], expectedSeconds: 3 };
/** Two rungs and sound, 3 s in segments of one second, as ffmpeg leaves them. */
const made = mkdtempSync(join(tmpdir(), 'package-'));

beforeAll(() => {
	execFileSync('ffmpeg', [
		...['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10:duration=3', '-f', 'lavfi', '-i', 'sine=duration=3'],
		...['-filter_complex', '[0:v]split[a][b];[b]scale=80:44[c]', '-map', '[a]', '-map', '[c]', '-map', '1:a'],
		...['-c:v', 'libx264', '-b:v', '100k', '-g', '10', '-sc_threshold', '0', '-c:a', 'aac', '-f', 'dash', '-seg_duration', '0.95', '-hls_playlist', '1'],
		...['-adaptation_sets', 'id=0,streams=v id=1,streams=a', '-init_seg_name', 'init-$RepresentationID$.m4s'],
		...['-media_seg_name', 'segment-$RepresentationID$-$Number%05d$.m4s', join(made, 'manifest.mpd')],
	]);
});
afterAll(() => rmSync(made, { recursive: true, force: true }));

/** The package after `change`, checked. */
const check = (change: (folder: string) => Promise<unknown> = async () => {}, output: PlannedOutput = planned) =>
	inFolder(async (folder) => {
		await cp(made, folder, { recursive: true });
		await change(folder);
		const files = await packageFiles(output, folder, '/final', { stderr: '', signal: new AbortController().signal });
		return { files, master: await readFile(join(folder, 'master.m3u8'), 'utf8').catch(() => '') };
	});

describe('a package', () => {
	it('lists its manifests first, and everything else as parts', async () => {
		const { files, master } = await check();
		expect(files.filter(({ part }) => !part)).toEqual([
			{ name: 'adaptive/manifest.mpd', path: '/final/manifest.mpd', mime: 'application/dash+xml', durationSeconds: expect.closeTo(3, 1) },
			{ name: 'adaptive/master.m3u8', path: '/final/master.m3u8', mime: 'application/vnd.apple.mpegurl', durationSeconds: expect.closeTo(3, 1) },
		]);
		expect(files).toHaveLength(readdirSync(made).length);
		expect(master).toMatch(/BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,RESOLUTION=160x90,.*FRAME-RATE=10\.000/);
	});

	it('leaves out what nobody asked for', async () => {
		const { files } = await check(undefined, { ...planned, leaveOut: ['manifest.mpd'] });
		expect(files[0]?.name).toBe('adaptive/master.m3u8');
		expect(files.map(({ name }) => name)).not.toContain('adaptive/manifest.mpd');
	});

	it.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
		['no manifest', (folder) => rm(join(folder, 'manifest.mpd')), /no manifest/],
		['a manifest without tracks', (folder) => writeFile(join(folder, 'manifest.mpd'), '<MPD></MPD>'), /names no track/],
		['a missing segment', (folder) => rm(join(folder, 'segment-1-00002.m4s')), /segment-1-00002\.m4s is named .* missing/],
		['an empty segment', (folder) => truncate(join(folder, 'segment-2-00003.m4s')), /segment-2-00003\.m4s .* empty/],
		['a missing header', (folder) => rm(join(folder, 'init-0.m4s')), /init-0\.m4s/],
		['a missing playlist', (folder) => rm(join(folder, 'media_1.m3u8')), /master\.m3u8 names media_1\.m3u8/],
		['a damaged first segment', (folder) => writeFile(join(folder, 'segment-0-00001.m4s'), Buffer.alloc(5000, 7)), /track 0 cannot be decoded/],
		[
			'rungs that are cut at different places',
			async (folder) => {
				const path = join(folder, 'manifest.mpd');
				const mpd = await readFile(path, 'utf8');
				const at = mpd.indexOf('<Representation id="1"');
				await writeFile(path, mpd.slice(0, at) + mpd.slice(at).replace(/r="2"/, 'r="1"'));
			},
			/cut at different places/,
		],
	])('is refused with %s', async (_what, change, expected) => {
		await expect(check(change)).rejects.toMatchObject({ code: 'processing_failed', message: expect.stringMatching(expected) });
	});

	it('is refused when it is much shorter than its source', async () => {
		await expect(check(undefined, { ...planned, expectedSeconds: 60 })).rejects.toMatchObject({ code: 'input_corrupt' });
	});
});
