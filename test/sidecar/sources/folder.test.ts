import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listSourceSchema, sourceSchema } from '../../../sidecar/src/contract/sources.ts';
import { createFetchSource } from '../../../sidecar/src/sources/fetch-source.ts';
import { createListSource } from '../../../sidecar/src/sources/list-source.ts';
import { live, sourceSettings } from '../../support/sources.ts';

describe('a folder of the sidecar as a source', () => {
	let base: string;
	let root: string;
	beforeEach(async () => {
		base = await mkdtemp(join(tmpdir(), 'folder-'));
		root = join(base, 'watch');
		await mkdir(join(root, 'inner', 'deep'), { recursive: true });
		await writeFile(join(base, 'secret.mp4'), 'secret');
		await writeFile(join(root, 'a.mp4'), 'film');
		await writeFile(join(root, 'inner', 'b.mp3'), 'sound');
		await writeFile(join(root, 'inner', 'deep', 'c.png'), 'picture');
		await writeFile(join(root, 'notes.txt'), 'text');
		await writeFile(join(root, '.hidden.mp4'), 'hidden');
	});
	afterEach(() => rm(base, { recursive: true, force: true }));
	const settings = (maxBytes = 1000) => sourceSettings({ maxBytes, folder: { root, workspaceId: 'acme' } });
	const fetchFile = (path: string, { workspaceId = 'acme' as string | undefined, maxBytes = 1000 } = {}) =>
		createFetchSource(settings(maxBytes))({ place: { type: 'folder', path }, secrets: {}, workspaceId, destPath: join(base, 'out'), signal: live(), onProgress: () => {} });
	const list = (path = '', recursive = false, limit = 100, cursor: string | null = null, workspaceId = 'acme') =>
		createListSource(settings())({ place: { type: 'folder', path, recursive }, secrets: {}, workspaceId, cursor, limit, signal: live() });

	it('brings a file, which stays where it is', async () => {
		expect(await fetchFile('inner/b.mp3')).toMatchObject({ bytes: 5, fileName: 'b.mp3' });
		expect([await readFile(join(base, 'out'), 'utf8'), await readFile(join(root, 'inner', 'b.mp3'), 'utf8')]).toEqual(['sound', 'sound']);
	});

	it.each(['../secret.mp4', 'inner/../../secret.mp4', '/etc/passwd', 'C:/x', 'a\\b', 'a\0b'])('refuses %j when it is asked for, and when it is opened', async (path) => {
		expect(sourceSchema.safeParse({ type: 'folder', path }).success).toBe(false);
		expect(listSourceSchema.safeParse({ type: 'folder', path }).success).toBe(false);
		await expect(fetchFile(path)).rejects.toMatchObject({ code: expect.stringMatching(/^input_(forbidden|not_found)$/) });
	});

	it('follows no link: not to a file, nor through a folder, nor to one inside', async () => {
		await symlink(join(base, 'secret.mp4'), join(root, 'link.mp4'));
		await symlink(base, join(root, 'out'));
		await symlink(join(root, 'a.mp4'), join(root, 'own.mp4'));
		for (const path of ['link.mp4', 'out/secret.mp4', 'own.mp4']) await expect(fetchFile(path)).rejects.toMatchObject({ code: 'input_forbidden' });
		await expect(list('out')).rejects.toMatchObject({ code: 'input_forbidden' });
		const { entries, skipped } = await list('', true);
		expect(entries.map(({ name }) => name)).toEqual(['a.mp4', 'b.mp3', 'c.png']);
		expect(skipped.map(({ name }) => name).sort()).toEqual(['link.mp4', 'notes.txt', 'out', 'own.mp4']);
	});

	it('does not wait at a pipe, and refuses folders', async () => {
		execFileSync('mkfifo', [join(root, 'pipe.mp4')]);
		await expect(fetchFile('pipe.mp4')).rejects.toMatchObject({ code: 'input_unsupported' });
		await expect(fetchFile('inner')).rejects.toMatchObject({ code: 'input_unsupported' });
	});

	it('is open to its workspace only', async () => {
		await expect(fetchFile('a.mp4', { workspaceId: 'other' })).rejects.toMatchObject({ code: 'input_forbidden' });
		await expect(list('', false, 10, null, 'other')).rejects.toMatchObject({ code: 'input_forbidden' });
		const none = createFetchSource(sourceSettings());
		await expect(none({ place: { type: 'folder', path: 'a.mp4' }, secrets: {}, workspaceId: 'acme', destPath: join(base, 'out'), signal: live(), onProgress: () => {} })).rejects.toMatchObject({ code: 'input_forbidden', message: expect.stringContaining('WATCH_DIR') });
	});

	it('tells apart what is gone, empty and too large', async () => {
		await writeFile(join(root, 'empty.mp4'), '');
		await expect(fetchFile('gone.mp4')).rejects.toMatchObject({ code: 'input_not_found' });
		await expect(fetchFile('empty.mp4')).rejects.toMatchObject({ code: 'input_empty' });
		await expect(fetchFile('a.mp4', { maxBytes: 3 })).rejects.toMatchObject({ code: 'input_too_large' });
	});

	it('gets on in pages also where links come first', async () => {
		await symlink(join(root, 'a.mp4'), join(root, '0.mp4'));
		const first = await list('', true, 1);
		expect(first).toMatchObject({ hasMore: true, cursor: expect.any(String) as string, skipped: [{ name: '0.mp4' }], entries: [{ name: 'a.mp4' }] });
		expect((await list('', true, 1, first.cursor)).entries.map(({ name }) => name)).toEqual(['b.mp3']);
	});

	it('is listed in pages, and a file that was written to has another version', async () => {
		const names: string[] = [];
		let cursor: string | null = null;
		for (let more = true; more; ) {
			const page = await list('', true, 1, cursor);
			names.push(...page.entries.map(({ metadata }) => String(metadata['path'])));
			({ cursor, hasMore: more } = page);
		}
		expect(names).toEqual(['a.mp4', 'inner/b.mp3', 'inner/deep/c.png']);
		const before = (await list()).entries[0]?.version;
		await writeFile(join(root, 'a.mp4'), 'another film');
		expect((await list()).entries[0]?.version).not.toBe(before);
		expect((await list()).entries).toHaveLength(1);
	});
});
