import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PipelineError, type ErrorCode } from '../../../sidecar/src/errors.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { fixture, type FixtureName } from '../../fixtures/media.ts';

const failure = async (path: string, options?: { signal?: AbortSignal }): Promise<PipelineError> => {
	const error: unknown = await probe(path, options).then(
		() => null,
		(thrown: unknown) => thrown,
	);
	if (error instanceof PipelineError) return error;
	throw new Error(`expected a PipelineError, got ${String(error)}`);
};

describe('probe', () => {
	it('reads size, rate, codecs and length of a video', async () => {
		expect(await probe(fixture('landscape'))).toMatchObject({
			mime: 'video/mp4',
			fileType: 'video',
			// ffmpeg cuts the sound one packet earlier or later.
			durationSeconds: expect.closeTo(3, 1) as number,
			video: { codec: 'h264', width: 1280, height: 720, frameRate: 25, pixelFormat: 'yuv420p', rotation: 0 },
			audio: { codec: 'aac', channels: 1, sampleRate: 48_000 },
		});
	});

	it('gives the size as it is shown when the file says that it is turned', async () => {
		expect((await probe(fixture('rotated'))).video).toMatchObject({ width: 720, height: 1280, rotation: 90 });
		expect((await probe(fixture('jpegRotated'))).video).toMatchObject({ width: 480, height: 640, rotation: 90 });
	});

	it('gives the size as it is shown when pixels are oblong', async () => {
		expect((await probe(fixture('anamorphic'))).video).toMatchObject({ width: 768, height: 576 });
	});

	it('tells video without sound, sound with a cover, and pictures apart', async () => {
		expect(await probe(fixture('silent'))).toMatchObject({ fileType: 'video', audio: null });
		expect(await probe(fixture('audio'))).toMatchObject({ fileType: 'audio', video: null, audio: { codec: 'mp3' } });
		expect(await probe(fixture('png'))).toMatchObject({
			fileType: 'image',
			durationSeconds: 0,
			bitrate: null,
			audio: null,
		});
		expect(await probe(fixture('gif'))).toMatchObject({ fileType: 'video', mime: 'image/gif', durationSeconds: 1 });
	});

	it('measures the length of a recording that does not name one', async () => {
		expect((await probe(fixture('webmWithoutDuration'))).durationSeconds).toBeCloseTo(2, 1);
	});

	it.each<FixtureName>(['webm', 'mkv', 'avi', 'wav', 'webp', 'onePixel', 'odd', 'tenBit', 'jpeg'])(
		'reads %s',
		async (name) => {
			await expect(probe(fixture(name))).resolves.toMatchObject({ bytes: expect.any(Number) });
		},
	);

	it('is not led astray by the name of a file', async () => {
		expect((await probe(fixture('weirdName'))).video?.width).toBe(1280);
	});

	it.each<[FixtureName, ErrorCode, RegExp]>([
		['empty', 'input_empty', /0 bytes/],
		['textAsMp4', 'input_not_media', /plain text.*Accepted are video as MP4/],
		['playlistAsMp4', 'input_not_media', /HLS playlist/],
		['concatAsMp4', 'input_not_media', /concat script/],
		['svgAsPng', 'input_not_media', /SVG/],
		['subtitlesAsMp4', 'input_not_media', /subtitle/],
		['zipAsMp4', 'input_not_media', /application\/zip.*Accepted/],
		['randomAsMp4', 'input_not_media', /unknown kind/],
		['truncated', 'input_corrupt', /cut off/],
		['truncatedFastStart', 'input_corrupt', /cut off/],
		['mp4Header', 'input_corrupt', /cut off.*index/],
		['hugePng', 'input_too_large', /8192/],
	])('refuses %s with %s', async (name, code, words) => {
		const error = await failure(fixture(name));
		expect(error.code).toBe(code);
		expect(error.message).toMatch(words);
		expect(error.retryable).toBe(false);
		expect(error.message).not.toContain(tmpdir());
	});

	describe('on files made for the test', () => {
		let folder: string;
		beforeAll(async () => {
			folder = await mkdtemp(join(tmpdir(), 'probe-'));
		});
		afterAll(() => rm(folder, { recursive: true, force: true }));

		it('says that a file is not there', async () => {
			expect((await failure(join(folder, 'nowhere.mp4'))).code).toBe('input_not_found');
		});

		it('refuses a folder', async () => {
			expect((await failure(folder)).code).toBe('input_not_media');
		});

		it('never opens what a playlist behind a media header refers to', async () => {
			// An MP4 by its magic number, with a playlist inside: the demuxer is fixed to mov, which finds no boxes.
			const path = join(folder, 'polyglot.mp4');
			await writeFile(
				path,
				Buffer.concat([
					Buffer.from('000000146674797069736f6d0000020069736f6d', 'hex'),
					Buffer.from(`\n#EXTM3U\n#EXTINF:1,\n${fixture('landscape')}\n`),
				]),
			);
			expect((await failure(path)).code).toBe('input_corrupt');
		});

		it('takes names that begin with a dash or look like a protocol as names', async () => {
			const path = join(folder, 'concat:a|b');
			await copyFile(fixture('silent'), path);
			await symlink(path, join(folder, '-version'));
			expect((await probe(path)).video?.width).toBe(640);
			expect((await probe(join(folder, '-version'))).video?.width).toBe(640);
		});

		it('accepts a fragmented recording that was cut off: it was made to survive that', async () => {
			const { execFileSync } = await import('node:child_process');
			const whole = join(folder, 'fragmented.mp4');
			execFileSync('ffmpeg', [
				'-nostdin',
				'-v',
				'error',
				'-i',
				fixture('silent'),
				'-c',
				'copy',
				'-movflags',
				'+frag_keyframe+empty_moov',
				whole,
			]);
			const { readFile } = await import('node:fs/promises');
			const bytes = await readFile(whole);
			await writeFile(join(folder, 'cut.mp4'), bytes.subarray(0, bytes.length - 5000));
			expect((await probe(join(folder, 'cut.mp4'))).video?.width).toBe(640);
		});
	});

	it('throws the reason of an aborted signal', async () => {
		const controller = new AbortController();
		controller.abort(new PipelineError('deadline_exceeded', 'too late'));
		expect((await failure(fixture('landscape'), { signal: controller.signal })).code).toBe('deadline_exceeded');
	});
});
