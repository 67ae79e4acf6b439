import { createS3Storage } from '../../../sidecar/src/storage/s3.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';

/** One object of AWS in a class that must be restored, as its API reference describes it; the S3 server of the other tests has no classes. */
describe('an object in an archive of AWS', () => {
	let server: TestServer;
	let restore: string | undefined;
	let asked: string[];
	beforeEach(async () => {
		[restore, asked] = [undefined, []];
		server = await startServer((request, response) => {
			const what = `${request.method} ${new URL(request.url ?? '', 'http://x').search.replace(/[?&]x-id=\w+/, '')}`.trim();
			request.resume();
			if (request.method !== 'HEAD') asked.push(`${what} ${String(request.headers['x-amz-storage-class'] ?? '')}`.trim());
			if (request.method === 'HEAD') return void response.writeHead(200, { 'content-length': '5', etag: '"e"', 'x-amz-storage-class': 'GLACIER', ...(restore ? { 'x-amz-restore': restore } : {}) }).end();
			if (request.method === 'POST') return void response.writeHead(202).end();
			if (request.method === 'PUT') return void response.writeHead(200, { 'content-type': 'application/xml' }).end('<CopyObjectResult><ETag>"f"</ETag></CopyObjectResult>');
			response.writeHead(403, { 'content-type': 'application/xml' }).end('<Error><Code>InvalidObjectState</Code><Message>The operation is not valid for the object\'s storage class</Message></Error>');
		});
	});
	afterEach(() => server.close());
	const storage = () => createS3Storage({ bucket: 'b', endpoint: server.url, forcePathStyle: true, archiveClass: 'GLACIER', credentials: { accessKeyId: 'id', secretAccessKey: 'a-secret' } });

	it('is not read: it says that it must be fetched first', async () => {
		await expect(storage().read('raw/default/a.mp4')).rejects.toMatchObject({ code: 'storage_archived' });
	});

	it('is fetched when it is wanted back, once, and comes back when that is done', async () => {
		await expect(storage().setClass('raw/default/a.mp4', 'standard')).rejects.toMatchObject({ code: 'storage_archived' });
		restore = 'ongoing-request="true"';
		await expect(storage().setClass('raw/default/a.mp4', 'standard')).rejects.toMatchObject({ code: 'storage_archived' });
		expect(asked).toEqual(['POST ?restore=']);
		restore = 'ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"';
		expect(await storage().setClass('raw/default/a.mp4', 'standard')).toBe(true);
		expect(asked.at(-1)).toBe('PUT STANDARD');
	});

	it('is left alone when it is where it should be', async () => {
		expect(await storage().setClass('raw/default/a.mp4', 'archive')).toBe(true);
		expect(asked).toEqual([]);
	});
});
