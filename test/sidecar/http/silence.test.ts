import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request, type ClientRequest } from 'node:http';
import { join } from 'node:path';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, until, type TestPipeline } from '../../support/pipeline.ts';

const TUS = { 'Tus-Resumable': '1.0.0' };
const SIZE = 100_000;
const SILENCE_MS = 1000;

describe('a body that stops coming', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	const key = `key-${randomUUID()}`;
	beforeAll(async () => {
		pipeline = await createTestPipeline();
		await createWorkspace(pipeline.database.db, 'mine', key);
		app = await startTestApp(pipeline, { bodySilenceMs: SILENCE_MS });
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});

	const sign = async (protocol: string) =>
		(await (await fetch(`${app.url}/api/media/sign`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ file_name: 'a.mp4', file_size: SIZE, mime_type: 'video/mp4', protocol }) })).json()) as { upload_url: string };
	const begin = async () => (await fetch((await sign('tus')).upload_url, { method: 'POST', headers: { ...TUS, 'Upload-Length': String(SIZE) } })).headers.get('location')!;
	const offsetOf = async (url: string) => (await fetch(url, { method: 'HEAD', headers: TUS })).headers.get('upload-offset');
	const patch = (url: string): ClientRequest => request(url, { method: 'PATCH', headers: { ...TUS, 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': '0', 'Content-Length': String(SIZE) } });
	/** Until the connection is gone. */
	const cut = (sent: ClientRequest): Promise<unknown> => {
		sent.on('error', () => {});
		return new Promise((resolve) => sent.once('close', resolve));
	};

	it('is cut; of a resumable upload what has come is kept', async () => {
		const url = await begin();
		const sent = patch(url);
		const gone = cut(sent);
		sent.write(Buffer.alloc(1000));
		await gone;
		expect(await offsetOf(url)).toBe('1000');
	});

	it('is cut; of any other upload nothing is left', async () => {
		const incoming = join(pipeline.folder, 'files', 'incoming', 'mine');
		const { upload_url: url } = await sign('put');
		const sent = request(url, { method: 'PUT', headers: { 'Content-Length': String(SIZE) } });
		const gone = cut(sent);
		sent.write(Buffer.alloc(1000));
		await gone;
		await until(async () => (await readdir(incoming).catch(() => [])).length === 0, 'nothing is left');
		expect((await fetch(url, { method: 'PUT', body: new Uint8Array(SIZE) })).status).toBe(201);
	});

	it('is not one that is slow', async () => {
		const url = await begin();
		const sent = patch(url);
		const answer = once(sent, 'response');
		for (let left = SIZE; left > 0; left -= SIZE / 20) {
			sent.write(Buffer.alloc(SIZE / 20));
			await new Promise((resolve) => setTimeout(resolve, SILENCE_MS / 8));
		}
		sent.end();
		const [response] = (await answer) as [{ statusCode: number }];
		expect(response.statusCode).toBe(204);
	});
});

describe('a client that asks how far it is while the database does not answer', () => {
	it('is told to ask again, not that there is nothing', async () => {
		const pipeline = await createTestPipeline();
		const app = await startTestApp(pipeline);
		const key = `key-${randomUUID()}`;
		await createWorkspace(pipeline.database.db, 'mine', key);
		const signed = (await (await fetch(`${app.url}/api/media/sign`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ file_name: 'a.mp4', file_size: SIZE, mime_type: 'video/mp4', protocol: 'tus' }) })).json()) as { upload_url: string };
		const url = (await fetch(signed.upload_url, { method: 'POST', headers: { ...TUS, 'Upload-Length': String(SIZE) } })).headers.get('location')!;
		await pipeline.database.executeSql('alter table uploads rename to elsewhere');
		expect((await fetch(url, { method: 'HEAD', headers: TUS })).status).toBe(423);
		expect((await fetch(url, { method: 'PATCH', headers: { ...TUS, 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': '0' }, body: 'x' })).status).toBe(500);
		await pipeline.database.executeSql('alter table elsewhere rename to uploads');
		expect((await fetch(url, { method: 'HEAD', headers: TUS })).status).toBe(200);
		await app.close();
		await pipeline.close();
	});
});
