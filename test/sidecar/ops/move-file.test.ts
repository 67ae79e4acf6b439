import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { moveFile, reserveName } from '../../../sidecar/src/ops/move-file.ts';

/** Another file system than that of temporary files, where there is one. */
const OTHER = '/dev/shm';
const deviceOf = async (folder: string): Promise<number | null> => stat(folder).then(({ dev }) => dev, () => null);

describe('moving a file', () => {
	const folders: string[] = [];
	afterEach(async () => {
		for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
	});
	async function folder(base = tmpdir()): Promise<string> {
		const made = await mkdtemp(join(base, 'move-'));
		folders.push(made);
		return made;
	}
	const film = (content: string) => ({ size }: { size: bigint }): boolean => size === BigInt(content.length);

	it('gives each a name of its own, also when several ask at once', async () => {
		const to = await folder();
		const names = await Promise.all([1, 2, 3].map(() => reserveName(to, 'a.b.mp4')));
		expect(names.sort()).toEqual([join(to, 'a.b-2.mp4'), join(to, 'a.b-3.mp4'), join(to, 'a.b.mp4')]);
		expect(await reserveName(to, '.hidden')).toBe(join(to, '.hidden'));
		expect(await reserveName(to, '.hidden')).toBe(join(to, '.hidden-2'));
	});

	it('puts back what was put in its place at the last moment', async () => {
		const from = await folder();
		const path = join(from, 'a.mp4');
		await writeFile(path, 'another film');
		const target = await reserveName(await folder(), 'a.mp4');
		expect(await moveFile(path, target, film('film'))).toBe(false);
		expect(await readFile(path, 'utf8')).toBe('another film');
		await expect(readFile(target)).rejects.toMatchObject({ code: 'ENOENT' });
	});

	it('goes from one disk to another, with its time, and leaves nothing half', async () => {
		const [here, there] = [await deviceOf(tmpdir()), await deviceOf(OTHER)];
		// Without a second file system there is nothing to see.
		if (there === null || here === there) return;
		const path = join(await folder(), 'a.mp4');
		await writeFile(path, 'film');
		await utimes(path, 1000, 2000);
		const to = await folder(OTHER);
		expect(await moveFile(path, await reserveName(to, 'a.mp4'), film('another'))).toBe(false);
		expect(await readFile(path, 'utf8')).toBe('film');
		await rm(join(to, 'a.mp4'));
		expect(await moveFile(path, await reserveName(to, 'a.mp4'), film('film'))).toBe(true);
		expect(await readFile(join(to, 'a.mp4'), 'utf8')).toBe('film');
		expect((await stat(join(to, 'a.mp4'))).mtimeMs).toBe(2_000_000);
		expect(await readdir(to)).toEqual(['a.mp4']);
		await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
	});
});
