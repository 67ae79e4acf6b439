import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hostile } from '../../fixtures/hostile.ts';
import { fixture } from '../../fixtures/media.ts';
import { EICAR, EICAR_NAME, startClamd, type TestClamd } from '../../support/clamd.ts';
import { until } from '../../support/pipeline.ts';
import { startReceiver, type Receiver } from '../../support/receiver.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

/** Every file below a folder, as paths relative to it. */
const below = async (folder: string): Promise<string[]> => (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile()).map((entry) => entry.name);

async function upload(sidecar: TestSidecar, bytes: Buffer, { name = 'file.mp4', mime = 'video/mp4' } = {}) {
	const { body: link } = await sidecar.call('POST', '/api/media/sign', { file_name: name, file_size: Math.max(1, bytes.length), mime_type: mime });
	const put = await fetch(link.upload_url, { method: 'PUT', headers: link.headers, body: new Uint8Array(bytes) });
	expect(put.status).toBe(201);
	await until(async () => ['ready', 'failed'].includes((await sidecar.call('GET', `/api/media/assets/${link.asset_id}`)).body.status), 'the upload has been checked');
	return (await sidecar.call('GET', `/api/media/assets/${link.asset_id}`)).body;
}

const settings = async (sidecar: TestSidecar, change: unknown) => sidecar.call('PATCH', '/api/media/workspace/settings', change);

describe('the virus scan', () => {
	let clamd: TestClamd;
	let sidecar: TestSidecar;
	let receiver: Receiver<{ type: string; data: { asset_id: string; error: { code: string } } }>;
	beforeAll(async () => {
		clamd = await startClamd();
		receiver = await startReceiver();
		sidecar = await startTestSidecar({ CLAMD: clamd.socket, ALLOWED_PRIVATE_HOSTS: receiver.server.host });
		await sidecar.call('POST', '/api/media/webhooks', { url: `${receiver.server.url}/events`, events: ['asset.failed', 'scanner.unavailable'] });
	});
	afterAll(async () => {
		await sidecar.close();
		await receiver.server.close();
		await clamd.close();
	});
	const stored = async () => [...(await below(join(sidecar.folder, 'files'))), ...(await below(join(sidecar.folder, 'work')))];

	it('lets a clean video pass, which then lies under the key of an original', async () => {
		const asset = await upload(sidecar, await readFile(fixture('short')));
		expect(asset).toMatchObject({ status: 'ready', error: null });
		expect(await stored()).toEqual([`${asset.id}.mp4`]);
	});

	it('refuses an infected video, names the signature, tells of it, and keeps nothing of it', async () => {
		const before = await stored();
		const asset = await upload(sidecar, Buffer.concat([await readFile(fixture('short')), Buffer.from(EICAR)]));
		expect(asset).toMatchObject({ status: 'failed', file_url: null, thumbnail_url: null, error: { code: 'input_infected', details: { signature: EICAR_NAME } } });
		expect(asset.error?.message).toContain(EICAR_NAME);
		expect(await stored()).toEqual(before);
		const { json } = await receiver.next('/events');
		expect(json).toMatchObject({ type: 'asset.failed', data: { asset_id: asset.id, error: { code: 'input_infected' } } });
	});

	it('is an obstacle to being ready while nobody answers; uploads wait, fail closed, and are taken when it is back', async () => {
		await clamd.stop();
		const ready = await (await fetch(`${sidecar.url}/readyz`)).json();
		expect(ready).toMatchObject({ status: 'not ready', problems: [expect.stringContaining('virus scanner')] });
		const asset = await upload(sidecar, await readFile(fixture('short')));
		expect(asset).toMatchObject({ status: 'failed', file_url: null, error: { code: 'scanner_unavailable' } });
		await until(() => receiver.received.some(({ json }) => json.type === 'scanner.unavailable'), 'the alert');
		expect(receiver.received.filter(({ json }) => json.type === 'scanner.unavailable')).toHaveLength(1);

		await clamd.start();
		const { jobs } = (await sidecar.call('GET', `/api/media/jobs?asset_id=${asset.id}`)).body;
		expect((await sidecar.call('POST', `/api/media/jobs/${jobs[0]?.id}/retry`, {})).status).toBe(202);
		await until(async () => (await sidecar.call('GET', `/api/media/assets/${asset.id}`)).body.status === 'ready', 'the retry has been scanned');
	});

	it('cannot be switched off by a workspace that the operator did not let', async () => {
		const refused = await settings(sidecar, { checks: { scan: false } });
		expect(refused).toMatchObject({ status: 400, body: { error: { code: 'invalid_request', message: expect.stringContaining('CLAMD_OPTIONAL') } } });
	});
});

describe('what a file is', () => {
	let sidecar: TestSidecar;
	beforeAll(async () => {
		sidecar = await startTestSidecar();
	});
	afterAll(() => sidecar.close());
	afterEach(async () => {
		expect((await settings(sidecar, { checks: null })).status).toBe(200);
	});
	const left = () => below(join(sidecar.folder, 'files'));

	it.each([
		['a PHP script', Buffer.from('<?php system($_GET["c"]); ?>'), 'input_not_media', 'video/mp4'],
		['a web page', Buffer.from('<!doctype html><script>alert(1)</script>'), 'input_not_media', 'web page'],
		['a program for Windows', Buffer.from(`MZ${'\0'.repeat(300)}PE\0\0`), 'input_not_media', 'video/mp4'],
		['a program for Linux', Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.alloc(100)]), 'input_not_media', 'video/mp4'],
		['a shell script', Buffer.from('#!/bin/sh\nrm -rf /\n'), 'input_not_media', 'video/mp4'],
		['a ZIP', Buffer.from(`PK\x03\x04${'\0'.repeat(60)}`, 'latin1'), 'input_not_media', 'video/mp4'],
		['a playlist', Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'), 'input_not_media', 'playlist'],
		['an SVG with a script', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'), 'input_not_media', 'SVG'],
	])('refuses %s that is called video/mp4, and keeps nothing of it', async (_, bytes, code, words) => {
		const asset = await upload(sidecar, bytes);
		expect(asset).toMatchObject({ status: 'failed', error: { code, message: expect.stringContaining(words) } });
		expect(await left()).toEqual([]);
	});

	it.each([
		['truncated', 'cut off'],
		['truncatedFastStart', 'cut off'],
	] as const)('refuses a file that is %s', async (name, words) => {
		expect(await upload(sidecar, await readFile(fixture(name)))).toMatchObject({ status: 'failed', error: { code: 'input_corrupt', message: expect.stringContaining(words) } });
	});

	it('refuses a picture that was sent as a video, and the reverse', async () => {
		expect(await upload(sidecar, await readFile(fixture('jpeg')))).toMatchObject({ status: 'failed', error: { code: 'input_unsupported', details: { rule: 'type', found: 'image/jpeg', allowed: 'video/mp4' } } });
		expect(await upload(sidecar, await readFile(fixture('short')), { name: 'a.jpg', mime: 'image/jpeg' })).toMatchObject({ status: 'failed', error: { details: { rule: 'type' } } });
		expect(await upload(sidecar, await readFile(fixture('short')), { name: 'song.mp3', mime: 'application/octet-stream' })).toMatchObject({ status: 'failed', error: { details: { rule: 'type', allowed: '.mp3' } } });
	});

	it('puts a wrong container right, and says so', async () => {
		const asset = await upload(sidecar, await readFile(fixture('short')), { name: 'a.mov', mime: 'video/quicktime' });
		expect(asset).toMatchObject({ status: 'ready', mime: 'video/mp4', metadata: { warnings: [expect.stringContaining('video/quicktime')] } });
	});

	it('takes a picture with a ZIP behind its end for the picture that it is', async () => {
		const both = Buffer.concat([await readFile(fixture('jpeg')), Buffer.from('PK\x03\x04 and so on', 'latin1')]);
		const asset = await upload(sidecar, both, { name: 'a.jpg', mime: 'image/jpeg' });
		expect(asset).toMatchObject({ status: 'ready', mime: 'image/jpeg' });
		const answer = await fetch(asset.file_url ?? '');
		expect([answer.headers.get('content-type'), answer.headers.get('x-content-type-options')]).toEqual(['image/jpeg', 'nosniff']);
	});

	it('refuses what the rules of the workspace do not allow, naming each, and takes the rest', async () => {
		const set = await settings(sidecar, { checks: { video_codecs: ['vp9'], max_duration_seconds: 0.2, min_width: 640, audio: 'required' } });
		expect(set).toMatchObject({ status: 200, body: { checks: { video_codecs: ['vp9'], min_width: 640, decode: false }, originals: 'keep' } });
		const asset = await upload(sidecar, await readFile(fixture('short')));
		expect(asset.error).toMatchObject({ code: 'input_unsupported', details: { rule: 'checks.video_codecs', found: 'h264', allowed: 'vp9' } });
		expect(asset.error?.details?.['problems']).toMatchObject([{ rule: 'checks.video_codecs' }, { rule: 'checks.max_duration_seconds' }, { rule: 'checks.min_width' }, { rule: 'checks.audio' }]);
		expect(asset.error?.message).toContain('settings of the workspace');

		await settings(sidecar, { checks: { video_codecs: ['h264'], max_duration_seconds: null, min_width: null, audio: null } });
		expect(await upload(sidecar, await readFile(fixture('short')))).toMatchObject({ status: 'ready' });
	});

	it('refuses H.265 where only H.264 is allowed', async () => {
		await settings(sidecar, { checks: { video_codecs: ['h264'] } });
		expect(await upload(sidecar, await readFile(hostile('hevc')))).toMatchObject({ status: 'failed', error: { details: { found: 'hevc' } } });
	});

	it('finds damage in the middle when it decodes everything, and says where', async () => {
		const damaged = await readFile(fixture('corruptMiddle'));
		expect(await upload(sidecar, damaged)).toMatchObject({ status: 'ready' });
		await settings(sidecar, { checks: { decode: true } });
		const asset = await upload(sidecar, damaged);
		expect(asset).toMatchObject({ status: 'failed', error: { code: 'input_corrupt', details: { rule: 'checks.decode', at_seconds: expect.any(Number) } } });
		expect(await upload(sidecar, await readFile(fixture('landscape')))).toMatchObject({ status: 'ready' });
		for (const name of ['webm', 'mkv', 'avi', 'audio', 'gif', 'png', 'tenBit', 'rotated', 'webmWithoutDuration'] as const) {
			expect([name, await upload(sidecar, await readFile(fixture(name)), { name: 'file', mime: 'application/octet-stream' })]).toMatchObject([name, { status: 'ready' }]);
		}
	});

	it('asks for a scan that there is no scanner for: refused where it is said', async () => {
		expect(await settings(sidecar, { checks: { scan: true } })).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('CLAMD') } } });
	});
});
