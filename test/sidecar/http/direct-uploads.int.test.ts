import { randomUUID } from 'node:crypto';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { tidyUploads } from '../../../sidecar/src/pipeline/tidy-uploads.ts';
import { createS3Storage } from '../../../sidecar/src/storage/s3.ts';
import type { Storage } from '../../../sidecar/src/storage/storage.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, type TestPipeline } from '../../support/pipeline.ts';
import { startS3, type TestS3 } from '../../support/s3.ts';

interface Signed {
	asset_id: string;
	upload_url: string;
	headers: Record<string, string>;
	complete_url: string;
	tus: unknown;
	multipart: { part_bytes: number; parts: number; parts_url: string; abort_url: string };
}

describe('uploads straight to an S3-compatible store', () => {
	let s3: TestS3;
	let pipeline: TestPipeline;
	let app: TestApp;
	let storage: Storage;
	let bucket: string;
	const key = `key-${randomUUID()}`;
	beforeAll(async () => {
		s3 = await startS3();
		pipeline = await createTestPipeline();
		await createWorkspace(pipeline.database.db, 'mine', key);
		const options = await s3.bucket();
		bucket = options.bucket;
		storage = createS3Storage(options);
		app = await startTestApp(pipeline, { storage, maxUploadBytes: 1024 ** 3 });
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
		await s3.stop();
	});

	const call = async (method: string, url: string, body?: unknown) => {
		const response = await fetch(url.startsWith('http') ? url : `${app.url}${url}`, {
			method,
			headers: { ...(url.startsWith('http') ? {} : { authorization: `Bearer ${key}` }), 'content-type': 'application/json' },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		return { status: response.status, body: (await response.json()) as Record<string, unknown> };
	};
	const sign = async (change: Record<string, unknown>): Promise<Signed> => (await call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: 11, mime_type: 'video/mp4', ...change })).body as unknown as Signed;
	const put = (signed: Pick<Signed, 'upload_url' | 'headers'>, body: Uint8Array<ArrayBuffer>) =>
		fetch(signed.upload_url, { method: 'PUT', headers: Object.fromEntries(Object.entries(signed.headers).filter(([name]) => name !== 'content-length')), body });
	const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
	const keys = async () => {
		const found: string[] = [];
		for await (const file of storage.list('incoming/')) found.push(file.key);
		return found;
	};

	it('begins when the store has the file, once; a link that is used again reaches nothing', async () => {
		const signed = await sign({});
		expect(signed.tus).toBeNull();
		expect((await call('POST', signed.complete_url)).status).toBe(409);
		expect((await put(signed, bytesOf('first bytes'))).status).toBe(200);
		const answers = await Promise.all([call('POST', signed.complete_url), call('POST', signed.complete_url)]);
		expect(answers.map(({ status, body }) => [status, body['status']])).toEqual([[200, 'queued'], [200, 'queued']]);
		const [row] = (await pipeline.database.executeSql('select storage_key from assets where id = $1', [signed.asset_id])).rows;
		const stored = String(row?.['storage_key']);
		// Whoever still has the link writes somewhere else than where the checked file lies.
		expect((await put(signed, bytesOf('other bytes'))).status).toBe(200);
		let text = '';
		for await (const chunk of await storage.read(stored)) text += String(chunk);
		expect(text).toBe('first bytes');
		expect((await pipeline.database.executeSql(`select count(*)::int as count from jobs where asset_id = $1`, [signed.asset_id])).rows).toEqual([{ count: 1 }]);
		// And what was written there is tidied up when the link has expired.
		await pipeline.database.executeSql(`update assets set status = 'ready' where id = $1`, [signed.asset_id]);
		expect(await keys()).toHaveLength(2);
		for await (const one of tidyUploads({ ...app.deps, storage }, { workspaceId: 'mine', days: 1, now: new Date(Date.now() + 2 * 86_400_000) })) await one.apply();
		expect(await keys()).toEqual([stored]);
	});

	it('takes a large file in parts, whose links come in pages, and joins them', async () => {
		const part = 16 * 1024 ** 2;
		const size = 2 * part + 5;
		const signed = await sign({ file_size: size, protocol: 'multipart' });
		expect(signed.multipart).toMatchObject({ part_bytes: part, parts: 3 });
		const pages: Array<Record<string, unknown>> = [];
		for (let from: unknown = 1; from !== null; from = pages.at(-1)?.['next']) pages.push((await call('POST', signed.multipart.parts_url, { from, count: 2 })).body);
		const parts = pages.flatMap((page) => page['parts'] as Array<Signed & { part: number; bytes: number }>);
		expect(parts.map(({ part: number, bytes }) => [number, bytes])).toEqual([[1, part], [2, part], [3, 5]]);
		for (const one of parts.slice(0, 2)) expect((await put(one, new Uint8Array(one.bytes).fill(one.part))).status).toBe(200);
		// Too early: what has come is not lost by it.
		const early = await call('POST', signed.complete_url);
		expect([early.status, (early.body['error'] as { details: unknown }).details]).toEqual([409, { missing_parts: [3] }]);
		expect((await put(parts[2]!, new Uint8Array(5).fill(3))).status).toBe(200);
		const done = await call('POST', signed.complete_url);
		expect([done.status, done.body['status'], done.body['file_size_bytes'] ?? done.body['bytes'] ?? size]).toEqual([200, 'queued', size]);
		expect((await call('POST', signed.complete_url)).status).toBe(200);
		expect((await call('POST', signed.multipart.parts_url, {})).status).toBe(409);
		expect((await call('POST', signed.multipart.abort_url)).status).toBe(409);
	}, 60_000);

	it('can be given up, and refuses other permissions', async () => {
		const signed = await sign({ file_size: 5, protocol: 'multipart' });
		const other = await sign({ file_size: 5, protocol: 'multipart' });
		const forged = other.complete_url.replace(other.asset_id, signed.asset_id);
		expect((await call('POST', forged)).status).toBe(403);
		const { parts } = (await call('POST', signed.multipart.parts_url, {})).body as { parts: Signed[] };
		expect((await put(parts[0]!, bytesOf('12345'))).status).toBe(200);
		const given = await call('POST', signed.multipart.abort_url);
		expect([given.status, given.body['status']]).toEqual([200, 'failed']);
		expect((await put(parts[0]!, bytesOf('12345'))).ok).toBe(false);
		expect((await call('POST', signed.complete_url)).status).not.toBe(200);
		// Given up before any part was asked for: none is given out afterwards.
		expect((await call('POST', other.multipart.abort_url)).status).toBe(200);
		expect((await call('POST', other.multipart.parts_url, {})).status).toBe(409);
		const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
		expect(Uploads.filter(({ Key }) => Key?.includes(other.asset_id))).toEqual([]);
	});
});
