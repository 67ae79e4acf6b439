import { access, mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createDiskStorage } from '../../../sidecar/src/storage/disk.ts';

describe('disk storage', () => {
	let folder: string;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'disk-'));
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));

	it('gives ffmpeg a path to read', async () => {
		const storage = createDiskStorage({ root: folder });
		await writeFile(join(folder, 'in.txt'), 'content');
		await storage.putFile('raw/default/a.txt', join(folder, 'in.txt'));
		expect(await readFile(storage.localPath('raw/default/a.txt') ?? '', 'utf8')).toBe('content');
	});

	it('renames instead of copying on the same file system', async () => {
		const storage = createDiskStorage({ root: join(folder, 'store') });
		await writeFile(join(folder, 'in.txt'), 'content');
		const before = (await stat(join(folder, 'in.txt'))).ino;
		await storage.putFile('raw/default/a.txt', join(folder, 'in.txt'));
		expect((await stat(storage.localPath('raw/default/a.txt') ?? '')).ino).toBe(before);
	});

	it('copies, verifies and deletes across file systems', async () => {
		const other = await mkdtemp('/dev/shm/disk-test-');
		try {
			const from = join(other, 'in.txt');
			await writeFile(from, 'from another file system');
			expect((await stat(other)).dev).not.toBe((await stat(folder)).dev);
			const storage = createDiskStorage({ root: folder });
			await storage.putFile('raw/default/a.txt', from);
			expect(await readFile(join(folder, 'raw/default/a.txt'), 'utf8')).toBe('from another file system');
			await expect(access(from)).rejects.toMatchObject({ code: 'ENOENT' });
			expect(await readdir(join(folder, 'raw/default'))).toEqual(['a.txt']);
		} finally {
			await rm(other, { recursive: true, force: true });
		}
	});

	it('keeps the local file when it cannot be stored', async () => {
		const storage = createDiskStorage({ root: folder });
		await writeFile(join(folder, 'in.txt'), 'content');
		await writeFile(join(folder, 'raw'), 'a file where a folder should be');
		await expect(storage.putFile('raw/default/a.txt', join(folder, 'in.txt'))).rejects.toMatchObject({
			code: 'storage_failed',
		});
		expect(await readFile(join(folder, 'in.txt'), 'utf8')).toBe('content');
	});

	it('gives the local file back when the last step fails', async () => {
		const storage = createDiskStorage({ root: folder });
		await writeFile(join(folder, 'in.txt'), 'the only one');
		// A folder has the name: the renaming fails, after the file has left its place.
		await mkdir(join(folder, 'raw/default/a.txt'), { recursive: true });
		await expect(storage.putFile('raw/default/a.txt', join(folder, 'in.txt'))).rejects.toMatchObject({ code: 'storage_failed' });
		expect(await readFile(join(folder, 'in.txt'), 'utf8')).toBe('the only one');
		expect(await readdir(join(folder, 'raw/default'))).toEqual(['a.txt']);
	});

	it('closes what it copies, also when it cannot', async () => {
		const storage = createDiskStorage({ root: folder });
		await storage.putStream('raw/default/a.txt', Readable.from(['content']));
		await writeFile(join(folder, 'jobs'), 'a file where a folder should be');
		const open = async () => (await readdir('/proc/self/fd')).length;
		const before = await open();
		for (let tries = 0; tries < 5; tries++) await expect(storage.copy('raw/default/a.txt', 'jobs/default/a.txt')).rejects.toMatchObject({ code: 'storage_failed' });
		expect(await open()).toBe(before);
		await expect(storage.copy('raw/default', 'raw/b/c')).rejects.toMatchObject({ code: 'not_found' });
	});

	it('removes folders that became empty, and only those', async () => {
		const storage = createDiskStorage({ root: folder });
		for (const name of ['a', 'b']) {
			await writeFile(join(folder, name), name);
			await storage.putFile(`jobs/default/${name}/out.txt`, join(folder, name));
		}
		await storage.delete('jobs/default/a/out.txt');
		expect(await readdir(join(folder, 'jobs/default'))).toEqual(['b']);
	});

	it('clears unfinished files of long ago at boot, and leaves fresh ones of other processes', async () => {
		await mkdir(join(folder, 'raw/default'), { recursive: true });
		const [old, fresh] = [join(folder, 'raw/default/.old.part'), join(folder, 'raw/default/.fresh.part')];
		await writeFile(old, 'x');
		await writeFile(fresh, 'x');
		await utimes(old, new Date('2020-01-01'), new Date('2020-01-01'));
		await createDiskStorage({ root: folder }).prepare();
		expect(await readdir(join(folder, 'raw/default'))).toEqual(['.fresh.part']);
	});

	it('lists nothing that others have put there', async () => {
		await mkdir(join(folder, 'raw/a'), { recursive: true });
		for (const name of ['.DS_Store', '.nfs0000001', 'holiday 1.mp4', 'ü.mp4', 'mine.mp4']) await writeFile(join(folder, 'raw/a', name), 'x');
		const found = [];
		for await (const { key } of createDiskStorage({ root: folder }).list('')) found.push(key);
		expect(found).toEqual(['raw/a/mine.mp4']);
	});

	it('never lists unfinished files', async () => {
		await mkdir(join(folder, 'raw'), { recursive: true });
		await writeFile(join(folder, 'raw/.half.part'), 'x');
		const found = [];
		for await (const file of createDiskStorage({ root: folder }).list('')) found.push(file);
		expect(found).toEqual([]);
	});

	it('removes the unfinished file when its stream fails', async () => {
		const broken = Readable.from(
			(function* () {
				yield Buffer.from('half');
				throw new Error('the source broke');
			})(),
		);
		await expect(createDiskStorage({ root: folder }).putStream('raw/a.bin', broken)).rejects.toMatchObject({
			code: 'storage_failed',
		});
		expect(await readdir(join(folder, 'raw'))).toEqual([]);
	});

	it('says at boot which folder cannot be used', async () => {
		await writeFile(join(folder, 'file'), 'x');
		const storage = createDiskStorage({ root: join(folder, 'file', 'store') });
		await expect(storage.prepare()).rejects.toMatchObject({
			code: 'storage_failed',
			message: expect.stringContaining('DATA_DIR'),
		});
	});

	it('reports a full disk as storage_full', async () => {
		// The error of a full disk, as the file system words it, brought in through the stream: a disk that is really full cannot be made here.
		const storage = createDiskStorage({ root: folder });
		const full = new Readable({
			read() {
				this.destroy(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
			},
		});
		await expect(storage.putStream('raw/default/a.bin', full)).rejects.toMatchObject({ code: 'storage_full' });
	});

	it('takes away what a killed writer left below a folder, and nothing else', async () => {
		const storage = createDiskStorage({ root: folder });
		await storage.putStream('jobs/default/one/1/done.txt', Readable.from(['whole']));
		for (const path of ['jobs/default/one/1/deep/.a.part', 'jobs/default/one/1/.b.part', 'jobs/default/one/2/.c.part']) {
			await mkdir(join(folder, path, '..'), { recursive: true });
			await writeFile(join(folder, path), 'half');
		}
		await storage.deleteUnfinished('jobs/default/one/1/');
		await storage.deleteUnfinished('jobs/default/nothing-there/');
		const left = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name);
		expect(left.toSorted()).toEqual(['.c.part', 'done.txt']);
	});
});
