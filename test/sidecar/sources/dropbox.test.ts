import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { ContentHash } from '../../../sidecar/src/sources/dropbox-api.ts';
import { createFetchSource } from '../../../sidecar/src/sources/fetch-source.ts';
import { createListSource } from '../../../sidecar/src/sources/list-source.ts';
import type { ListPlace, Place, SourceEntry } from '../../../sidecar/src/sources/source.ts';
import { contentHash, startDropbox, type DropboxEmulator } from '../../platforms/dropbox.ts';
import { live, sourceSettings } from '../../support/sources.ts';

const CONTENT = randomBytes(200_000);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const CLIP = '/Filme/Größe 日本.mp4';

describe('Dropbox', () => {
	let folder: string;
	let dropbox: DropboxEmulator;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'dropbox-'));
		dropbox = await startDropbox();
		dropbox.files.set(CLIP, { content: CONTENT });
		dropbox.files.set('/Filme/deep/b.mp3', { content: Buffer.from('sound') });
		dropbox.links.set('/scl/fi/abc/clip.mp4', { path: CLIP });
		dropbox.links.set('/scl/fo/xyz/h', { path: '/Filme' });
	});
	afterEach(async () => {
		await dropbox.close();
		await rm(folder, { recursive: true, force: true });
	});
	const settings = (maxBytes = 1_000_000) => sourceSettings({ allowed: [new URL(dropbox.url).host], maxBytes, dropbox: { apiBaseUrl: dropbox.url, contentBaseUrl: dropbox.url } });
	const fetchFile = (place: Omit<Extract<Place, { type: 'dropbox' }>, 'type'>, { token = 'valid-token' as string | null, maxBytes = 1_000_000, progress = [] as number[] } = {}) =>
		createFetchSource(settings(maxBytes))({
			place: { type: 'dropbox', ...place },
			secrets: token ? { access_token: token } : {},
			destPath: join(folder, 'file'),
			signal: live(),
			onProgress: (percent) => progress.push(percent),
		});
	const list = (place: Partial<Extract<ListPlace, { type: 'dropbox_folder' }>>, { cursor = null as string | null, limit = 100, token = 'valid-token' } = {}) =>
		createListSource(settings())({ place: { type: 'dropbox_folder', path: '', recursive: false, ...place }, secrets: { access_token: token }, cursor, limit, signal: live() });

	it.each([1, 4_194_304, 4_194_305, 9_000_000])('has the content hash of Dropbox for %i bytes, in whatever pieces they come', (size) => {
		const content = randomBytes(size);
		const hash = new ContentHash();
		for (let at = 0; at < size; ) {
			const next = at + 1 + Math.floor(Math.random() * 3_000_000);
			hash.update(content.subarray(at, next));
			at = next;
		}
		expect(hash.digest()).toBe(contentHash(content));
	});

	it('brings a file by its path, with its name and checksum', async () => {
		const progress: number[] = [];
		expect(await fetchFile({ path: CLIP }, { progress })).toEqual({ bytes: 200_000, sha256: SHA256, contentType: null, fileName: 'Größe 日本.mp4' });
		expect(progress.at(-1)).toBe(100);
	});

	it('brings the file behind a shared link, with a token and without', async () => {
		expect(await fetchFile({ url: `${dropbox.url}/scl/fi/abc/clip.mp4?rlkey=k&dl=0` })).toMatchObject({ sha256: SHA256, fileName: 'Größe 日本.mp4' });
		expect(dropbox.counts['/2/sharing/get_shared_link_file']).toBe(1);
		expect(await fetchFile({ url: `${dropbox.url}/scl/fi/abc/clip.mp4?rlkey=k&dl=0` }, { token: null })).toMatchObject({ sha256: SHA256 });
	});

	it('brings a file inside a shared folder', async () => {
		expect(await fetchFile({ url: `${dropbox.url}/scl/fo/xyz/h?rlkey=k`, path: '/deep/b.mp3' })).toMatchObject({ bytes: 5, fileName: 'b.mp3' });
	});

	it('goes on where a broken connection stopped', async () => {
		dropbox.cutAfter = 80_000;
		expect(await fetchFile({ path: CLIP })).toMatchObject({ bytes: 200_000, sha256: SHA256 });
		expect(dropbox.ranges).toEqual([undefined, 'bytes=80000-', 'bytes=160000-']);
	});

	it('does not take a file whose checksum is another one', async () => {
		dropbox.files.set(CLIP, { content: CONTENT, claimedHash: 'a'.repeat(64) });
		await expect(fetchFile({ path: CLIP })).rejects.toMatchObject({ code: 'input_unreachable', message: expect.stringContaining('changed') });
	});

	it('refuses a file that is too large', async () => {
		await expect(fetchFile({ path: CLIP }, { maxBytes: 100_000 })).rejects.toMatchObject({ code: 'input_too_large' });
		expect(await readdir(folder)).toEqual([]);
	});

	it('tells what is wrong with a path or link', async () => {
		await expect(fetchFile({ path: '/nothing.mp4' })).rejects.toMatchObject({ code: 'input_not_found' });
		await expect(fetchFile({ path: '/Filme' })).rejects.toMatchObject({ code: 'input_unsupported', message: expect.stringContaining('folder') });
		await expect(fetchFile({ url: `${dropbox.url}/scl/fo/xyz/h` })).rejects.toMatchObject({ code: 'input_unsupported' });
		await expect(fetchFile({ url: `${dropbox.url}/scl/fo/xyz/h` }, { token: null })).rejects.toMatchObject({ code: 'input_unsupported' });
		await expect(fetchFile({ url: `${dropbox.url}/scl/fi/gone` })).rejects.toMatchObject({ code: 'input_not_found' });
		dropbox.links.set('/scl/fi/locked', { path: CLIP, restricted: true });
		await expect(fetchFile({ url: `${dropbox.url}/scl/fi/locked` })).rejects.toMatchObject({ code: 'input_forbidden', message: expect.stringContaining('password') });
		await expect(fetchFile({ url: `${dropbox.url}/scl/fi/locked` }, { token: null })).rejects.toMatchObject({ code: 'input_not_media' });
		dropbox.files.set('/doc.paper', { content: CONTENT, isDownloadable: false });
		await expect(fetchFile({ path: '/doc.paper' })).rejects.toMatchObject({ code: 'input_unsupported' });
	});

	it('asks for a new connection when the token is refused or lacks a permission, and never shows it', async () => {
		const error: unknown = await fetchFile({ path: CLIP }, { token: 'expired-token-1' }).catch((caught: unknown) => caught);
		expect(error).toMatchObject({ code: 'needs_reauth' });
		expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('expired-token-1');
		dropbox.tokens.set('poor', ['files.metadata.read']);
		await expect(fetchFile({ path: CLIP }, { token: 'poor' })).rejects.toMatchObject({ code: 'needs_reauth', message: expect.stringContaining('files.content.read') });
		await expect(fetchFile({ path: CLIP }, { token: null })).rejects.toMatchObject({ code: 'needs_reauth' });
	});

	it.each([
		[429, { error_summary: 'too_many_requests/..', error: { '.tag': 'too_many_requests', retry_after: 7 } }, '7', 7],
		[429, { error_summary: 'too_many_requests/..', error: { '.tag': 'too_many_requests', retry_after: 9 } }, undefined, 9],
		[503, {}, undefined, undefined],
	])('a %i passes: it says when to try again', async (status, body, retryAfter, seconds) => {
		dropbox.failures.push({ status, body, ...(retryAfter ? { retryAfter } : {}) });
		await expect(fetchFile({ path: CLIP })).rejects.toMatchObject({ code: 'input_unreachable', retryable: true, retryAfterSeconds: seconds });
		dropbox.failures.push({ status, body, ...(retryAfter ? { retryAfter } : {}) });
		await expect(list({})).rejects.toMatchObject({ code: 'input_unreachable', retryAfterSeconds: seconds });
	});

	it('lists a folder page by page; afterwards the cursor tells only what is new', async () => {
		for (let index = 0; index < 5; index += 1) dropbox.files.set(`/many/${index}.mp4`, { content: Buffer.from(`film ${index}`) });
		dropbox.files.set('/many/notes.txt', { content: Buffer.from('x') });
		const names: string[] = [];
		let cursor: string | null = null;
		let pages = 0;
		for (let more = true; more; pages += 1) {
			const page = await list({ path: '/many' }, { cursor, limit: 2 });
			names.push(...page.entries.map(({ name }) => name), ...page.skipped.map(({ name }) => name));
			({ cursor, hasMore: more } = page);
		}
		expect(pages).toBe(3);
		expect(names.sort()).toEqual(['0.mp4', '1.mp4', '2.mp4', '3.mp4', '4.mp4', 'notes.txt']);
		expect((await list({}, { cursor })).entries).toEqual([]);
		dropbox.files.set('/many/new.mp4', { content: Buffer.from('new') });
		expect((await list({}, { cursor })).entries.map(({ name }) => name)).toEqual(['new.mp4']);
		dropbox.resetCursors();
		await expect(list({}, { cursor })).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('cursor') });
		await expect(list({}, { cursor: 'nonsense' })).rejects.toMatchObject({ code: 'invalid_request' });
	});

	it('lists what can be fetched again: by id, and behind a shared link', async () => {
		const all = await list({ path: '/Filme', recursive: true });
		expect(all.entries.map(({ name }) => name).sort()).toEqual(['Größe 日本.mp4', 'b.mp3']);
		const shared = await list({ url: `${dropbox.url}/scl/fo/xyz/h` });
		const [first] = shared.entries as [SourceEntry];
		expect(first).toMatchObject({ bytes: 200_000, version: contentHash(CONTENT), modifiedAt: new Date('2026-01-02T03:04:06Z') });
		for (const { place } of [...all.entries, first]) expect((await fetchFile(place as Extract<Place, { type: 'dropbox' }>)).bytes).toBeGreaterThan(0);
	});

	it('says so when the folder is none, or is not there', async () => {
		await expect(list({ path: '/nowhere' })).rejects.toMatchObject({ code: 'input_not_found' });
		await expect(list({ path: CLIP })).rejects.toMatchObject({ code: 'input_unsupported' });
		await expect(list({ url: `${dropbox.url}/scl/fo/xyz/h`, recursive: true })).rejects.toMatchObject({ code: 'invalid_request' });
		await expect(list({}, { token: 'old' })).rejects.toMatchObject({ code: 'needs_reauth' });
	});
});
