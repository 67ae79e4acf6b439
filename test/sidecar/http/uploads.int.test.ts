import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { fixture } from '../../fixtures/media.ts';
import { until } from '../../support/pipeline.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

describe('two uploads to one link at once', () => {
	let sidecar: TestSidecar;
	beforeAll(async () => {
		sidecar = await startTestSidecar();
	});
	afterAll(() => sidecar.close());

	it('the first that is complete counts; the slower one cannot replace what has been checked', async () => {
		const video = await readFile(fixture('landscape'));
		const { body: link } = await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: video.length, mime_type: 'video/mp4' });
		let answer = 0;
		const slow = request(link.upload_url, { method: 'PUT', headers: link.headers });
		slow.on('response', (response) => {
			answer = response.statusCode ?? -1;
			response.resume();
		});
		slow.write('#EXTM3U\n');
		const incoming = join(sidecar.folder, 'files', 'incoming', 'default');
		// Its bytes are arriving: it has been let in.
		await until(async () => (await readdir(incoming).catch(() => [])).length > 0, 'the slow upload has begun');

		// A third one beside two finds no room: it could only fill the disk.
		const leaving = new AbortController();
		const second = fetch(link.upload_url, { method: 'PUT', headers: link.headers, body: new ReadableStream({ start: (body) => body.enqueue(new Uint8Array(8)) }), duplex: 'half', signal: leaving.signal } as RequestInit).catch(() => null);
		await until(async () => (await readdir(incoming)).length > 1, 'the second upload has begun');
		expect((await fetch(link.upload_url, { method: 'PUT', headers: link.headers, body: new Uint8Array(video) })).status).toBe(409);
		leaving.abort();
		await second;
		await until(async () => (await readdir(incoming)).length === 1, 'the second upload is gone');

		expect((await fetch(link.upload_url, { method: 'PUT', headers: link.headers, body: new Uint8Array(video) })).status).toBe(201);
		const asset = async () => (await sidecar.call('GET', `/api/media/assets/${link.asset_id}`)).body;
		await until(async () => (await asset()).status === 'ready', 'the fast upload has been checked');
		slow.end(Buffer.alloc(video.length - '#EXTM3U\n'.length));
		await until(() => answer !== 0, 'the slow upload is answered');

		expect(answer).toBe(409);
		expect(Buffer.from(await (await fetch((await asset()).file_url!)).arrayBuffer()).equals(video)).toBe(true);
		// What was checked lies elsewhere by now; of the slow one nothing is left.
		expect(await readdir(incoming).catch(() => [])).toEqual([]);
	});
});

describe('an upload that must be scanned', () => {
	it('is refused where there is no scanner; without that wish it is taken', async () => {
		const sidecar = await startTestSidecar();
		try {
			const video = await readFile(fixture('portrait'));
			const upload = async (more: object) => {
				const { body: link } = await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: video.length, mime_type: 'video/mp4', ...more });
				await fetch(link.upload_url, { method: 'PUT', headers: link.headers, body: new Uint8Array(video) });
				const asset = async () => (await sidecar.call('GET', `/api/media/assets/${link.asset_id}`)).body;
				await until(async () => ['ready', 'failed'].includes(String((await asset()).status)), 'the upload has been looked at');
				return await asset();
			};
			expect(await upload({ scan: true })).toMatchObject({ status: 'failed', error: { code: 'scanner_unavailable' } });
			expect(await upload({ scan: false })).toMatchObject({ status: 'ready' });
		} finally {
			await sidecar.close();
		}
	});
});
