import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fixture } from '../../fixtures/media.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { until } from '../../support/pipeline.ts';
import { startTestSidecar, type Answer, type TestSidecar } from '../../support/sidecar.ts';

interface ListAnswer {
	assets: Array<{ id: string; title: string | null }>;
	next_cursor: string | null;
	results: Array<{ asset_id: string; title: string }>;
	error: { code: string; message: string };
}

describe('assets', () => {
	let files: TestServer;
	let sidecar: TestSidecar;
	const pending: Array<() => void> = [];
	beforeAll(async () => {
		files = await startServer((request, response) => {
			const name = new URL(request.url ?? '/', 'http://x').pathname.slice(1);
			const send = (): void => void createReadStream(fixture((name === 'slow' ? 'landscape' : name) as Parameters<typeof fixture>[0])).pipe(response);
			if (name === 'slow') pending.push(send);
			else send();
		});
		sidecar = await startTestSidecar({ ALLOWED_PRIVATE_HOSTS: files.host });
	});
	afterAll(async () => {
		await sidecar.close();
		await files.close();
	});

	const list = async (query = '') => (await sidecar.call('GET', `/api/media/assets${query}`)).body as unknown as ListAnswer;
	const made = async (name: Parameters<typeof fixture>[0], operations: string[] = ['probe'], more: Record<string, unknown> = {}): Promise<Answer> => {
		const { body } = await sidecar.call('POST', '/api/media/process', { original_url: `${files.url}/${name}`, operations, dedupe: 'copy', ...more });
		await until(async () => ['processed', 'failed'].includes((await sidecar.call('GET', `/api/media/process?asset_id=${body.asset.id}`)).body.asset.status), 'the asset is done');
		return (await sidecar.call('GET', `/api/media/process?asset_id=${body.asset.id}`)).body;
	};
	const stored = async (part: string): Promise<string[]> => (await readdir(join(sidecar.folder, 'files'), { recursive: true })).filter((path) => path.includes(part));

	describe('are listed', () => {
		it('newest first, in pages that new assets do not shift, and by what they are', async () => {
			const ids = [];
			for (const name of ['jpeg', 'png', 'wav'] as const) ids.unshift((await made(name)).asset.id);
			const first = await list('?limit=2');
			expect(first.assets.map(({ id }) => id)).toEqual(ids.slice(0, 2));
			await made('gif');
			const second = await list(`?limit=2&cursor=${first.next_cursor}`);
			expect([second.assets.map(({ id }) => id), second.next_cursor]).toEqual([ids.slice(2), null]);
			expect((await list('?file_type=audio')).assets.map(({ id }) => id)).toEqual([ids[0]]);
			expect((await list('?name=.JPG')).assets.map(({ id }) => id)).toEqual([]);
			expect((await list('?name=JPE')).assets.map(({ id }) => id)).toEqual([ids[2]]);
			expect((await list('?name=%25')).assets).toEqual([]);
			expect((await list('?status=failed&tag=')).assets).toEqual([]);
		});

		it.each(['2026-13-45T99:99:99.000000Z', '0000-01-01T00:00:00.000000Z', '2026-02-30T00:00:00.000000Z'])('not from a cursor with the time %s', async (time) => {
			const cursor = Buffer.from(JSON.stringify([time, '00000000-0000-4000-8000-000000000000'])).toString('base64url');
			expect((await list(`?cursor=${cursor}`)).error.code).toBe('invalid_request');
		});

		it.each(['?name=%00', '?tag=%00', '?source=a%00b', '?created_after=0000-01-01T00:00:00Z'])('without an error of the server for %s', async (query) => {
			const { status } = await sidecar.call('GET', `/api/media/assets${query}`);
			expect(status).toBeLessThan(500);
		});

		it.each(['?cursor=abc', `?cursor=${Buffer.from('["2026-01-01",1]').toString('base64url')}`, '?limit=0', '?limit=1000', '?file_type=text', '?created_after=yesterday', '?colour=red'])('not for %s', async (query) => {
			expect((await list(query)).error.code).toBe('invalid_request');
		});
	});

	describe('are changed', () => {
		it('and found by what is said of them now; what is left out stays', async () => {
			const { asset } = await made('jpeg', ['probe'], { metadata: { campaign: 'spring', note: 'x' } });
			const path = `/api/media/assets/${asset.id}`;
			const changed = await sidecar.call('PATCH', path, { title: 'Kingfisher at dawn', tags: ['Bird', '#river'], language: 'pt-BR', metadata: { note: null, place: 'Douro' } });
			expect(changed.status).toBe(200);
			expect(changed.body).toMatchObject({ title: 'Kingfisher at dawn', language: 'pt-BR', description: null, metadata: { campaign: 'spring', place: 'Douro' } });
			expect(changed.body).not.toHaveProperty('metadata.note');
			await sidecar.call('PATCH', path, { description: 'A bird.' });
			const { body } = await sidecar.call('GET', path);
			expect(body).toMatchObject({ title: 'Kingfisher at dawn', description: 'A bird.', tags: [{ tag: 'bird', source: 'person' }, { tag: 'river', source: 'person' }] });
			const found = (await sidecar.call('GET', '/api/media/assets/search?q=kingfisher')).body as unknown as ListAnswer;
			expect(found.results.map(({ asset_id: id, title }) => [id, title])).toEqual([[asset.id, 'Kingfisher at dawn']]);
			expect((await list('?tag=Bird')).assets.map(({ id }) => id)).toEqual([asset.id]);
			await sidecar.call('PATCH', path, { title: null, tags: [] });
			expect((await sidecar.call('GET', path)).body).toMatchObject({ title: null, tags: [], description: 'A bird.' });
			expect(((await sidecar.call('GET', '/api/media/assets/search?q=kingfisher')).body as unknown as ListAnswer).results).toEqual([]);
		});

		it.each<[name: string, body: unknown, words: RegExp]>([
			['nothing', {}, /at least one field/],
			['a language that is none', { language: 'Klingon!' }, /language/],
			['a field that does not exist', { name: 'x' }, /no such field/],
			['a title that is a book', { title: 'x'.repeat(501) }, /title/],
			['tags that are no texts', { tags: [1] }, /tags.0/],
		])('not by %s', async (_name, body, words) => {
			const answer = await sidecar.call('PATCH', '/api/media/assets/00000000-0000-4000-8000-000000000000', body);
			expect([answer.status, answer.body.error.code]).toEqual([400, 'invalid_request']);
			expect(answer.body.error.message).toMatch(words);
		});
	});

	it('that exist take over what a batch says of them, and keep the rest', async () => {
		const { asset } = await made('png', ['probe'], { details: { title: 'Before', owner: 'Ann', tags: ['old'] } });
		await sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'probe', asset_id: asset.id, details: { title: 'After', tags: ['new'] } }] });
		expect((await sidecar.call('GET', `/api/media/assets/${asset.id}`)).body).toMatchObject({ title: 'After', owner: 'Ann', tags: [{ tag: 'new' }, { tag: 'old' }] });
		await sidecar.call('POST', '/api/media/process', { asset_id: asset.id, operations: ['probe'], details: { language: 'de' } });
		expect((await sidecar.call('GET', `/api/media/assets/${asset.id}`)).body).toMatchObject({ title: 'After', language: 'de' });
	});

	describe('are deleted', () => {
		it('and the batches that wait for their jobs hear of it', async () => {
			await sidecar.call('PUT', '/api/media/pipelines/all_optional', { steps: [{ operation: 'compress', params: { height: 720, preset: 'slow' }, optional: true }] });
			const { body } = await sidecar.call('POST', '/api/media/process', { original_url: `${files.url}/hd`, pipeline: 'all_optional', dedupe: 'copy' });
			const { body: batch } = await sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'compress', asset_id: body.asset.id, params: { height: 480, preset: 'slow' } }] });
			expect((await sidecar.call('DELETE', `/api/media/assets/${body.asset.id}`)).status).toBe(200);
			const { body: ended } = await sidecar.call('GET', `/api/media/batches/${batch.batch_id}`);
			expect([ended.status, ended.jobs.map(({ status }) => status)]).toEqual(['failed', ['cancelled']]);
		});

		it('while they are fetched: what arrives goes as well', async () => {
			const { body } = await sidecar.call('POST', '/api/media/process', { original_url: `${files.url}/slow`, operations: ['probe'], dedupe: 'copy' });
			await until(async () => pending.length > 0, 'the download has begun');
			await sidecar.call('DELETE', `/api/media/assets/${body.asset.id}`);
			for (const send of pending.splice(0)) send();
			await until(async () => (await readdir(join(sidecar.folder, 'work')).catch(() => [])).length === 0, 'its worker is done');
			expect(await stored(body.asset.id)).toEqual([]);
		});

		it('while they are uploaded: what has come of them goes as well, and nothing more is taken', async () => {
			const { body } = await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: 1000, mime_type: 'video/mp4', protocol: 'tus' });
			const headers = { 'tus-resumable': '1.0.0' };
			const begun = await fetch(body.upload_url, { method: 'POST', headers: { ...headers, 'upload-length': '1000' } });
			const place = new URL(begun.headers.get('location') ?? '', body.upload_url).href;
			const patch = (offset: number, bytes: number) => fetch(place, { method: 'PATCH', headers: { ...headers, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' }, body: new Uint8Array(bytes) });
			expect([begun.status, (await patch(0, 600)).status]).toEqual([201, 204]);
			const parts = async () => (await readdir(join(sidecar.folder, 'uploads'))).filter((name) => name.includes(String(body.asset_id)));
			expect((await parts()).length).toBeGreaterThan(0);
			expect((await sidecar.call('DELETE', `/api/media/assets/${body.asset_id}`)).status).toBe(200);
			expect(await parts()).toEqual([]);
			expect((await patch(600, 400)).status).toBeGreaterThanOrEqual(400);
		});

		it('and the first copy that is left counts for the quota', async () => {
			const twice = async () => (await sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'ingest', file_url: `${files.url}/speech?${Math.random()}` }] })).body;
			const ids: string[] = [];
			for (let number = 0; number < 3; number += 1) {
				const { batch_id: id } = await twice();
				await until(async () => (await sidecar.call('GET', `/api/media/batches/${id}`)).body.status !== 'pending', 'it is stored');
				ids.push(String((await sidecar.call('GET', `/api/media/batches/${id}`)).body.jobs[0]?.asset_id));
			}
			const sameAs = async (id = '') => ((await sidecar.call('GET', `/api/media/assets/${id}`)).body as unknown as { same_as: string | null }).same_as;
			expect([await sameAs(ids[1]), await sameAs(ids[2])]).toEqual([ids[0], ids[0]]);
			const used = async () => ((await sidecar.call('GET', '/api/media/quota')).body as unknown as { bytes: { used: number } }).bytes.used;
			const before = await used();
			await sidecar.call('DELETE', `/api/media/assets/${ids[0]}`);
			expect([await sameAs(ids[1]), await sameAs(ids[2])]).toEqual([null, ids[1]]);
			expect(await used()).toBe(before);
		});

		it('with their public files', async () => {
			const { asset } = await made('landscape', ['thumbnail']);
			expect((await sidecar.call('POST', `/api/media/assets/${asset.id}/public`, {})).status).toBe(200);
			expect((await stored(`${asset.id}_thumb`)).length).toBe(1);
			await sidecar.call('DELETE', `/api/media/assets/${asset.id}`);
			expect(await stored(asset.id)).toEqual([]);
		});

		it('with their original, their results and what they were found by, but not with the post of another asset or the numbers of the usage', async () => {
			const { asset, jobs } = await made('landscape', ['thumbnail', 'probe']);
			await sidecar.call('PATCH', `/api/media/assets/${asset.id}`, { title: 'Zeppelin' });
			await sidecar.call('POST', '/api/media/distribute-callback', { asset_id: asset.id, posts: [{ platform: 'x', external_post_id: '1' }] });
			expect((await stored(asset.id)).length).toBeGreaterThan(0);
			expect((await stored(jobs[0]?.id ?? '')).length).toBeGreaterThan(0);
			const before = (await sidecar.call('GET', '/api/media/usage')).body as unknown as { total: { jobs: number } };
			const { status, body } = await sidecar.call('DELETE', `/api/media/assets/${asset.id}`);
			expect([status, body]).toEqual([200, { asset_id: asset.id, deleted: true, files: 2, bytes: expect.any(Number) as number }]);
			expect(await stored(asset.id)).toEqual([]);
			expect(await stored(jobs[0]?.id ?? '')).toEqual([]);
			for (const path of [`/api/media/assets/${asset.id}`, `/api/media/process?asset_id=${asset.id}`]) expect((await sidecar.call('GET', path)).status).toBe(404);
			expect(((await sidecar.call('GET', '/api/media/assets/search?q=zeppelin')).body as unknown as ListAnswer).results).toEqual([]);
			const job = (await sidecar.call('GET', `/api/media/jobs/${jobs[0]?.id}`)).body;
			expect([job.asset_id, job.params, job.output_data]).toEqual([null, {}, null]);
			expect(((await sidecar.call('GET', '/api/media/usage')).body as unknown as { total: { jobs: number } }).total.jobs).toBe(before.total.jobs);
			expect((await sidecar.call('GET', '/api/media/posts')).body.posts.map((post) => [post['external_post_id'], post['asset_id']])).toEqual([['1', null]]);
			expect((await sidecar.call('DELETE', `/api/media/assets/${asset.id}`)).status).toBe(404);
		});

		it('while jobs work on them: these are stopped, and leave nothing', async () => {
			const { body } = await sidecar.call('POST', '/api/media/process', { original_url: `${files.url}/hd`, operations: ['compress', 'stream'], dedupe: 'copy', params: { compress: { height: 480 } } });
			await until(async () => (await sidecar.call('GET', `/api/media/jobs/${body.jobs[0]?.id}`)).body.status === 'processing', 'it is being worked on');
			expect((await sidecar.call('DELETE', `/api/media/assets/${body.asset.id}`)).status).toBe(200);
			for (const { id } of body.jobs) expect((await sidecar.call('GET', `/api/media/jobs/${id}`)).body.status).toBe('cancelled');
			await until(async () => (await stored(body.asset.id)).length + (await stored(body.jobs[0]?.id ?? '')).length === 0, 'nothing is left');
		});

		it('without taking away what another asset with the same bytes has reused', async () => {
			const first = await made('landscape', ['thumbnail']);
			const second = await made('landscape', ['thumbnail']);
			const url = second.asset.thumbnail_url ?? '';
			expect(new URL(url).pathname).toBe(new URL(first.asset.thumbnail_url ?? '').pathname);
			await sidecar.call('DELETE', `/api/media/assets/${first.asset.id}`);
			expect((await fetch(url)).status).toBe(200);
			const third = await made('landscape', ['thumbnail']);
			expect((await fetch(third.asset.thumbnail_url ?? '')).status).toBe(200);
		});
	});
});
