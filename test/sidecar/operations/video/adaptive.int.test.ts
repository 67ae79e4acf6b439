import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseManifest } from '../../../../sidecar/src/media/dash-manifest.ts';
import { adaptive } from '../../../../sidecar/src/operations/video/adaptive.ts';
import { fixture } from '../../../fixtures/media.ts';
import { packageFixture } from '../../../fixtures/package.ts';
import { runOperationOn, type Made } from '../../../support/engine.ts';

const ffprobe = (path: string, ...args: string[]): string =>
	execFileSync('ffprobe', ['-v', 'error', '-of', 'csv=p=0', ...args, path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
/** Times of the key frames of one track, seconds. */
function keyFrames(folder: string, id: string): number[] {
	const track = parseManifest(readFileSync(join(folder, 'manifest.mpd'), 'utf8')).find((one) => one.id === id);
	const whole = join(folder, `.whole-${id}.mp4`);
	writeFileSync(whole, Buffer.concat([track?.init ?? '', ...(track?.segments ?? []).map(({ name }) => name)].map((name) => readFileSync(join(folder, name)))));
	return ffprobe(whole, '-show_entries', 'packet=pts_time,flags')
		.split('\n')
		.filter((line) => line.includes('K'))
		.map((line) => Number(line.split(',')[0]));
}
const folderOf = ({ files }: Made): string => dirname(files[0]?.path ?? '');
/** What ffmpeg says when it plays all of it, and how many pictures of the first rung it saw. */
function play(manifest: string): { frames: number; words: string } {
	const output = execFileSync('ffmpeg', ['-nostdin', '-v', 'warning', '-stats', '-i', manifest, '-map', '0:v:0', '-map', '0:a?', '-f', 'null', '-', '-progress', 'pipe:1'], {
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'ignore'],
	});
	return { frames: Number(output.match(/^frame=(\d+)$/gm)?.at(-1)?.slice(6)), words: output };
}

describe('adaptive, for real', () => {
	it('has the same key frames in every rung, whatever the scenes are, and plays as HLS and as DASH', async () => {
		await runOperationOn(adaptive, packageFixture('colours'), { segment_seconds: 2, heights: [720, 360, 240] }, async (made) => {
			const folder = folderOf(made);
			const times = keyFrames(folder, '0');
			expect(times).toEqual([0, 2.002, 4.004, 6.006].map((time) => expect.closeTo(time, 2)));
			expect(keyFrames(folder, '1')).toEqual(times);
			expect(keyFrames(folder, '2')).toEqual(times);

			expect(play(join(folder, 'master.m3u8')).frames).toBe(210);
			expect(play(join(folder, 'manifest.mpd')).frames).toBe(210);
			const master = readFileSync(join(folder, 'master.m3u8'), 'utf8');
			expect(master.match(/RESOLUTION=\d+x\d+/g)).toEqual(['RESOLUTION=1280x720', 'RESOLUTION=640x360', 'RESOLUTION=426x240']);
			expect(master.match(/CODECS="avc1\.64[0-9a-f]{4},mp4a\.40\.2"/g)).toHaveLength(3);
			expect(master.match(/TYPE=AUDIO/g)).toHaveLength(1);
			expect(master).toContain('#EXT-X-INDEPENDENT-SEGMENTS');
			expect(made.files.filter(({ part }) => !part).map(({ name }) => name)).toEqual(['adaptive/manifest.mpd', 'adaptive/master.m3u8']);
		});
	});

	it('begins with picture and sound together', async () => {
		await runOperationOn(adaptive, packageFixture('colours'), { heights: [240] }, async (made) => {
			for (const name of ['master.m3u8', 'manifest.mpd']) {
				const starts = ffprobe(join(folderOf(made), name), '-show_entries', 'stream=start_time').trim().split('\n').map(Number);
				expect(Math.max(...starts) - Math.min(...starts)).toBeLessThan(0.03);
			}
		});
	});

	it('keeps pictures at even distances where the source does not', async () => {
		await runOperationOn(adaptive, packageFixture('changingRate'), { segment_seconds: 1 }, async (made) => {
			const times = keyFrames(folderOf(made), '0');
			expect(times.length).toBeGreaterThanOrEqual(5);
			for (const [index, time] of times.entries()) expect(time).toBeCloseTo(index, 2);
		});
	});

	it.each([
		['silent', 'hls', ['adaptive/master.m3u8'], [640, 360]],
		['portrait', 'dash', ['adaptive/manifest.mpd'], [608, 1080]],
		['rotated', 'hls+dash', ['adaptive/manifest.mpd', 'adaptive/master.m3u8'], [720, 1280]],
		['short', 'hls', ['adaptive/master.m3u8'], [320, 180]],
		['longSound', 'hls', ['adaptive/master.m3u8'], [320, 180]],
	] as const)('makes of %s a package for %s', async (name, manifests, expected, size) => {
		await runOperationOn(adaptive, fixture(name), { manifests, heights: [1080, 240], preset: 'ultrafast' }, async (made) => {
			const shown = made.files.filter(({ part }) => !part);
			expect(shown.map((file) => file.name)).toEqual(expected);
			expect(ffprobe(shown[0]?.path ?? '', '-select_streams', 'v:0', '-show_entries', 'stream=width,height').trim().split('\n')[0]).toMatch(size.join(','));
			expect(made.output['rungs']).toMatchObject([{ width: size[0], height: size[1] }, ...(Math.min(...size) >= 288 ? [{}] : [])]);
		});
	});
});
