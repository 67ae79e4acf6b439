import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { hasIndexFirst } from '../../../sidecar/src/media/mp4-boxes.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { hostile } from '../../fixtures/hostile.ts';
import { image } from '../../fixtures/images.ts';
import { fixture } from '../../fixtures/media.ts';
import { until } from '../../support/pipeline.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

/** A hash of every decoded picture: the same only where none was encoded anew. */
const pictures = (path: string): string => execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-map', '0:v', '-f', 'md5', '-']).toString();

describe('originals: replace', () => {
	let sidecar: TestSidecar;
	beforeAll(async () => {
		sidecar = await startTestSidecar();
		expect((await sidecar.call('PATCH', '/api/media/workspace/settings', { originals: 'replace' })).body).toMatchObject({ originals: 'replace' });
	});
	afterAll(() => sidecar.close());

	async function ingest(path: string, mime: string) {
		const bytes = await readFile(path);
		const { body: link } = await sidecar.call('POST', '/api/media/sign', { file_name: 'original', file_size: bytes.length, mime_type: mime });
		expect((await fetch(link.upload_url, { method: 'PUT', headers: link.headers, body: new Uint8Array(bytes) })).status).toBe(201);
		await until(async () => ['ready', 'failed'].includes((await sidecar.call('GET', `/api/media/assets/${link.asset_id}`)).body.status), 'the upload is ready');
		const asset = (await sidecar.call('GET', `/api/media/assets/${link.asset_id}`)).body;
		expect(asset).toMatchObject({ status: 'ready', error: null });
		const { jobs } = (await sidecar.call('GET', `/api/media/jobs?asset_id=${asset.id}`)).body;
		const raw = join(sidecar.folder, 'files', 'raw', 'default');
		const names = (await readdir(raw)).filter((name) => name.startsWith(asset.id)).sort();
		return { asset, output: jobs[0]?.output_data ?? {}, steps: jobs[0]?.steps ?? {}, names, master: join(raw, names.find((name) => name.includes('_master')) ?? 'none'), bytes };
	}

	it('makes an MP4 of H.264 and AAC of a video that browsers do not play, and keeps the original beside it', async () => {
		const { asset, names, master, output, steps, bytes } = await ingest(hostile('hevc'), 'video/mp4');
		expect(names).toEqual([`${asset.id}.mp4`, `${asset.id}_master.mp4`].sort());
		const facts = await probe(master);
		expect(facts).toMatchObject({ mime: 'video/mp4', video: { codec: 'h264', profile: 'High', pixelFormat: 'yuv420p', width: 320, height: 180, frameRate: 25 } });
		expect(await hasIndexFirst(master)).toBe(true);
		expect(asset).toMatchObject({ mime: 'video/mp4', file_size_bytes: facts.bytes });
		expect(output).toMatchObject({ video_codec: 'h264', original: { video_codec: 'hevc', file_size_bytes: bytes.length } });
		expect(steps).toHaveProperty('mezzanine');
		const sent = Buffer.from(await (await fetch(asset.file_url ?? '')).arrayBuffer());
		expect(createHash('sha256').update(sent).digest('hex')).toBe(createHash('sha256').update(await readFile(master)).digest('hex'));
	});

	it('copies streams that comply', async () => {
		const { master } = await ingest(fixture('mkv'), 'video/matroska');
		expect((await probe(master)).mime).toBe('video/mp4');
		expect(pictures(master)).toBe(pictures(fixture('mkv')));
	});

	it('turns a picture upright, and leaves one alone that is as browsers want it', async () => {
		const turned = await ingest(fixture('jpegRotated'), 'image/jpeg');
		const before = await sharp(fixture('jpegRotated')).metadata();
		const after = await sharp(turned.master).metadata();
		expect([after.width, after.height, after.orientation ?? 1]).toEqual([before.autoOrient.width, before.autoOrient.height, 1]);
		expect(turned.asset).toMatchObject({ mime: 'image/jpeg', width: before.autoOrient.width });
		expect((await ingest(fixture('png'), 'image/png')).names).toHaveLength(1);
	});

	it('leaves out of the picture that takes its place where it was taken', async () => {
		const before = await sharp(image('tattlingTurned')).metadata();
		expect(before.exif).toBeDefined();
		const { master, output, asset } = await ingest(image('tattlingTurned'), 'image/jpeg');
		const after = await sharp(master).metadata();
		expect([after.exif, after.xmp, after.iptc]).toEqual([undefined, undefined, undefined]);
		expect(JSON.stringify([output, asset])).not.toMatch(/latitude":\s*[0-9]/);
	});

	it('makes AAC of sound that browsers do not all play, and leaves MP3 alone', async () => {
		const { master } = await ingest(fixture('wav'), 'audio/wav');
		expect(await probe(master)).toMatchObject({ fileType: 'audio', audio: { codec: 'aac' } });
		expect((await ingest(fixture('audio'), 'audio/mpeg')).names).toHaveLength(1);
	});

	it('keeps nothing of a file that cannot be decoded', async () => {
		const bytes = (await readFile(fixture('landscape'))).subarray(0, 5000);
		const { body: link } = await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: bytes.length, mime_type: 'video/mp4' });
		await fetch(link.upload_url, { method: 'PUT', headers: link.headers, body: new Uint8Array(bytes) });
		await until(async () => (await sidecar.call('GET', `/api/media/assets/${link.asset_id}`)).body.status === 'failed', 'it has failed');
		const all = await readdir(join(sidecar.folder, 'files'), { recursive: true });
		expect(all.filter((name) => name.includes(String(link.asset_id)))).toEqual([]);
	});
});
