import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { files } from '../../../sidecar/src/db/schema.ts';
import { fileLink } from '../../../sidecar/src/storage/signed-url.ts';
import { SIGNING_KEY, startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const FOLDER = 'jobs/acme/4f0c/1/hls';

describe('the files of a package over HTTP', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	let url: string;

	beforeAll(async () => {
		pipeline = await createTestPipeline();
		app = await startTestApp(pipeline);
		url = app.url;
		const store = async (name: string, mime: string, content: string, part: boolean) => {
			const storageKey = `${FOLDER}/${name}`;
			await pipeline.deps.storage.putStream(storageKey, Readable.from([content]));
			await pipeline.deps.db.insert(files).values({ id: randomUUID(), workspaceId: WORKSPACE, name: `hls/${name}`, storageKey, mime, bytes: content.length, part });
		};
		await store('master.m3u8', 'application/vnd.apple.mpegurl', '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\nseg-1.m4s\n', false);
		await store('init.mp4', 'video/mp4', 'init', true);
		await store('seg-1.m4s', 'video/iso.segment', '0123456789', true);
		await pipeline.deps.storage.putStream('jobs/acme/4f0c/1/secret.mp4', Readable.from(['not in the folder']));
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});

	const link = () => fileLink(SIGNING_KEY, url, `${FOLDER}/master.m3u8`, new Date(Date.now() + 60_000));

	it('are reached from the manifest as a player does, with their types, ranges and HEAD', async () => {
		const manifest = await fetch(link());
		expect(manifest.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
		expect(manifest.headers.get('content-disposition')).toBe('inline; filename="master.m3u8"');
		const names = (await manifest.text()).match(/init\.mp4|seg-1\.m4s/g)!;
		const [init, segment] = names.map((name) => new URL(name, manifest.url).href);
		expect(await (await fetch(init!)).text()).toBe('init');
		const part = await fetch(segment!, { headers: { range: 'bytes=2-5' } });
		expect([part.status, part.headers.get('content-type'), part.headers.get('content-range'), await part.text()]).toEqual([206, 'video/iso.segment', 'bytes 2-5/10', '2345']);
		const head = await fetch(segment!, { method: 'HEAD' });
		expect([head.status, head.headers.get('content-length'), head.headers.get('x-content-type-options')]).toEqual([200, '10', 'nosniff']);
	});

	it('are open while their job still runs, and kept by no cache: the manifest grows', async () => {
		await pipeline.deps.storage.putStream('jobs/acme/5a1d/1/hls/master.m3u8', Readable.from(['#EXTM3U\n']));
		const early = await fetch(fileLink(SIGNING_KEY, url, 'jobs/acme/5a1d/1/hls/master.m3u8', new Date(Date.now() + 60_000)));
		expect([early.headers.get('content-type'), early.headers.get('cache-control')]).toEqual(['application/vnd.apple.mpegurl', 'private, no-store']);
	});

	it('may be fetched by scripts of any page, also with a range', async () => {
		const segment = new URL('seg-1.m4s', link()).href;
		const answer = await fetch(segment, { headers: { origin: 'https://player.example' } });
		expect(answer.headers.get('access-control-allow-origin')).toBe('*');
		expect(answer.headers.get('access-control-expose-headers')).toContain('Content-Range');
		const preflight = await fetch(segment, { method: 'OPTIONS', headers: { origin: 'https://player.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'range' } });
		expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([204, expect.stringContaining('Range')]);
		// The API itself stays closed to pages.
		expect((await fetch(`${url}/api/media/jobs`)).headers.get('access-control-allow-origin')).toBeNull();
	});

	/** `fetch` resolves dots before it sends; an attacker's program does not. */
	const raw = async (path: string): Promise<number> => {
		const sent = httpRequest(url, { path }).end();
		const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
		response.resume();
		return response.statusCode;
	};

	it.each([
		['dots', `../secret.mp4`, 400],
		['escaped dots', '%2e%2e/secret.mp4', 400],
		['an escaped slash', '..%2fsecret.mp4', 400],
		['an absolute path', '/etc/passwd', 400],
		['a NUL', 'master.m3u8%00', 400],
		['a file that is not there', 'seg-9.m4s', 404],
	])('end at the folder: %s', async (_what, name, status) => {
		expect(await raw(new URL(link()).pathname.replace('master.m3u8', name))).toBe(status);
	});

	it.each(['1', '10', '2/hls', 'hls-other'])('do not open those of another try, job or folder: %s', async (other) => {
		const permission = new URL(link()).pathname.split('/')[2]!;
		for (const folder of [FOLDER.replace('1/hls', other), `${FOLDER}0`, FOLDER.slice(0, -1), FOLDER.replace('acme', 'other')]) {
			expect(await raw(`/packages/${permission}/${folder}/master.m3u8`)).toBe(403);
		}
	});

	it('that are not there yet are not remembered as missing', async () => {
		const response = await fetch(link().replace('master.m3u8', 'seg-9.m4s'));
		expect([response.status, response.headers.get('cache-control')]).toEqual([404, 'no-store']);
	});

	it('need an intact link', async () => {
		const path = new URL(link()).pathname;
		expect(await raw(path.replace('/hls/master.m3u8', '/secret.mp4'))).toBe(403);
		expect(await raw(path.replace(/^\/packages\/\d+/, '/packages/99999999999'))).toBe(403);
		expect(await raw(`/packages/${FOLDER}/master.m3u8`)).toBe(401);
		expect(await raw(new URL(fileLink(SIGNING_KEY, url, `${FOLDER}/master.m3u8`, new Date(Date.now() - 1000))).pathname)).toBe(410);
	});
});
