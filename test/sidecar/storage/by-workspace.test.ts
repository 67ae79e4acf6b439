import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Placement } from '../../../sidecar/src/db/workspace-storage.ts';
import { createStorageByWorkspace, type ByWorkspace } from '../../../sidecar/src/storage/by-workspace.ts';
import { createDiskStorage } from '../../../sidecar/src/storage/disk.ts';
import { workspaceFolder } from '../../../sidecar/src/storage/keys.ts';
import type { DirectLinks, Multipart, Storage } from '../../../sidecar/src/storage/storage.ts';

const BACK_ENDS = ['first', 'second', 'third'] as const;

describe('storage by workspace', () => {
	let folder: string;
	let backends: Map<string, Storage>;
	let placements: Placement[];
	let storage: ByWorkspace;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'by-workspace-'));
		backends = new Map(BACK_ENDS.map((name) => [name, createDiskStorage({ root: join(folder, name) })]));
		placements = [];
		storage = await make();
	});
	afterEach(async () => {
		storage.close();
		await rm(folder, { recursive: true, force: true });
	});

	/** Without a cache, so that each call sees what the test has just changed. */
	const make = (publicFiles: string | null = null, cacheMs = 0) => createStorageByWorkspace({ backends, standard: 'first', publicFiles, placements: () => Promise.resolve(placements), cacheMs });
	const at = (name: (typeof BACK_ENDS)[number]): Storage => backends.get(name) as Storage;
	const put = (into: Storage, key: string, content = key) => into.putStream(key, Readable.from([Buffer.from(content)]));
	const read = async (key: string): Promise<string> => text(await storage.read(key));
	const keys = async (of: Storage, prefix = ''): Promise<string[]> => {
		const found: string[] = [];
		for await (const { key } of of.list(prefix)) found.push(key);
		return found.sort();
	};
	const moving = () => (placements = [{ workspaceId: 'acme', storage: 'second', storageFrom: 'first' }]);

	it('keeps the files of each workspace in its own back end', async () => {
		placements = [{ workspaceId: 'acme', storage: 'second', storageFrom: null }, { workspaceId: 'Große Firma', storage: 'third', storageFrom: null }];
		const named = `raw/${workspaceFolder('Große Firma')}/1.mp4`;
		for (const key of ['raw/default/1.mp4', 'raw/acme/1.mp4', named]) await put(storage, key);
		expect(await keys(at('first'))).toEqual(['raw/default/1.mp4']);
		expect(await keys(at('second'))).toEqual(['raw/acme/1.mp4']);
		expect(await keys(at('third'))).toEqual([named]);
		expect(await read('raw/acme/1.mp4')).toBe('raw/acme/1.mp4');
		expect(storage.localPath('raw/acme/1.mp4')).toBe(at('second').localPath('raw/acme/1.mp4'));
		expect(await keys(storage)).toEqual(['raw/acme/1.mp4', 'raw/default/1.mp4', named].sort());
		expect(await keys(storage, 'raw/')).toHaveLength(3);
		expect(await keys(storage, 'raw/acme/')).toEqual(['raw/acme/1.mp4']);
	});

	it('keeps public files of all workspaces in the back end for them, and still finds earlier ones', async () => {
		await put(storage, 'public/acme/old.webp');
		storage = await make('third');
		await put(storage, 'public/acme/new.webp');
		await put(storage, 'raw/acme/1.mp4');
		expect(await keys(at('third'))).toEqual(['public/acme/new.webp']);
		expect(await keys(at('first'))).toEqual(['public/acme/old.webp', 'raw/acme/1.mp4']);
		expect(await read('public/acme/old.webp')).toBe('public/acme/old.webp');
		expect(await keys(storage, 'public/acme/')).toEqual(['public/acme/new.webp', 'public/acme/old.webp']);
		await storage.delete('public/acme/old.webp');
		expect(await keys(storage, 'public/')).toEqual(['public/acme/new.webp']);
	});

	it('lists of each back end only what belongs there', async () => {
		// Of an earlier time, or of another installation in the same bucket.
		await put(at('third'), 'raw/acme/stray.mp4');
		await put(storage, 'raw/acme/mine.mp4');
		expect(await keys(storage, 'raw/')).toEqual(['raw/acme/mine.mp4']);
		expect(await keys(storage, 'raw/acme/')).toEqual(['raw/acme/mine.mp4']);
	});

	it('gives links of the back end for public files only to what is there', async () => {
		await put(at('first'), 'public/acme/old.webp');
		await put(at('second'), 'public/acme/older.webp');
		const links: DirectLinks = { get: (key) => Promise.resolve(`https://third.example/${key}?signed`), put: null };
		backends.set('third', { ...at('third'), direct: () => links, publicUrl: (key) => `https://third.example/${key}` });
		backends.set('first', { ...at('first'), direct: () => links, publicUrl: (key) => `https://first.example/${key}` });
		storage.close();
		storage = await make('third');
		await put(storage, 'public/acme/new.webp');
		expect(storage.publicUrl?.('public/acme/new.webp')).toBe('https://third.example/public/acme/new.webp');
		expect(storage.direct('public/acme/new.webp')).toBe(links);
		for (const key of ['public/acme/old.webp', 'public/acme/older.webp']) {
			expect([storage.publicUrl?.(key), storage.direct(key)]).toEqual([null, null]);
			expect(await read(key)).toBe(key);
		}
		expect(storage.direct('raw/acme/1.mp4')).toBe(links);
		storage.close();
		storage = await make();
		expect(storage.publicUrl?.('public/acme/old.webp')).toBe('https://first.example/public/acme/old.webp');
		moving();
		await storage.head('public/acme/old.webp');
		expect(storage.publicUrl?.('public/acme/old.webp')).toBeNull();
	});

	it('gives no links for public files as long as it is not known what lies elsewhere', async () => {
		const { list } = at('first');
		backends.set('third', { ...at('third'), publicUrl: (key) => `https://third.example/${key}` });
		backends.set('first', { ...at('first'), list: () => { throw new Error('the store is away'); } });
		storage.close();
		storage = await make('third');
		expect(storage.publicUrl?.('public/acme/new.webp')).toBeNull();
		backends.set('first', { ...at('first'), list });
	});

	it('takes away what killed writers left in all back ends, when a whole kind is meant', async () => {
		placements = [{ workspaceId: 'acme', storage: 'second', storageFrom: null }];
		const halves = [join(folder, 'first/jobs/default/.a.part'), join(folder, 'second/jobs/acme/.b.part')];
		for (const half of halves) {
			await mkdir(dirname(half), { recursive: true });
			await writeFile(half, 'half');
		}
		await storage.deleteUnfinished('jobs/acme/');
		await expect(access(halves[1] ?? '')).rejects.toMatchObject({ code: 'ENOENT' });
		await access(halves[0] ?? '');
		await mkdir(dirname(halves[1] ?? ''), { recursive: true });
		await writeFile(halves[1] ?? '', 'half');
		await storage.deleteUnfinished('jobs/');
		for (const half of halves) await expect(access(half)).rejects.toMatchObject({ code: 'ENOENT' });
	});

	it('makes no file of one that breaks off on its way to another back end', async () => {
		placements = [{ workspaceId: 'acme', storage: 'second', storageFrom: null }];
		await put(storage, 'raw/default/1.mp4', 'content');
		backends.set('first', { ...at('first'), read: async () => Readable.from([Buffer.from('cont')]) });
		await expect(storage.copy('raw/default/1.mp4', 'raw/acme/1.mp4')).rejects.toMatchObject({ code: 'storage_failed' });
		expect(await keys(at('second'))).toEqual([]);
	});

	describe('while a workspace is being moved', () => {
		beforeEach(async () => {
			await put(storage, 'raw/acme/old.mp4', 'old');
			moving();
		});

		it('writes to the new place and reads at both', async () => {
			await put(storage, 'raw/acme/new.mp4', 'new');
			expect(await keys(at('second'))).toEqual(['raw/acme/new.mp4']);
			expect([await read('raw/acme/old.mp4'), await read('raw/acme/new.mp4')]).toEqual(['old', 'new']);
			expect(await storage.head('raw/acme/old.mp4')).toMatchObject({ bytes: 3 });
			expect(await keys(storage, 'raw/acme/')).toEqual(['raw/acme/new.mp4', 'raw/acme/old.mp4']);
			await put(at('second'), 'raw/acme/old.mp4', 'old');
			expect(await keys(storage, 'raw/acme/')).toEqual(['raw/acme/new.mp4', 'raw/acme/old.mp4']);
		});

		it('says not_found of what is at neither', async () => {
			await expect(storage.read('raw/acme/none.mp4')).rejects.toMatchObject({ code: 'not_found' });
			await expect(storage.copy('raw/acme/none.mp4', 'raw/acme/x.mp4')).rejects.toMatchObject({ code: 'not_found' });
			expect(await storage.head('raw/acme/none.mp4')).toBeNull();
		});

		it('deletes at both', async () => {
			await put(at('second'), 'raw/acme/old.mp4', 'old');
			await storage.delete('raw/acme/old.mp4');
			expect([...(await keys(at('first'))), ...(await keys(at('second')))]).toEqual([]);
		});

		it('deletes at the old place first, because the mover looks there after each copy', async () => {
			const order: string[] = [];
			for (const name of ['first', 'second'] as const) {
				const real = at(name);
				backends.set(name, { ...real, delete: (key) => {
					order.push(name);
					return real.delete(key);
				} });
			}
			storage = await make();
			await storage.delete('raw/acme/old.mp4');
			expect(order).toEqual(['first', 'second']);
		});

		it('leaves the class of a file that has not come to the new place yet', async () => {
			const second = at('second');
			backends.set('second', { ...second, setClass: () => Promise.resolve(true) });
			storage = await make();
			expect(await storage.setClass('raw/acme/old.mp4', 'archive')).toBe(false);
			await put(storage, 'raw/acme/new.mp4');
			expect(await storage.setClass('raw/acme/new.mp4', 'archive')).toBe(true);
		});

		it('copies what is still at the old place to the new one', async () => {
			expect(await storage.copy('raw/acme/old.mp4', 'public/acme/copy.mp4')).toMatchObject({ key: 'public/acme/copy.mp4', bytes: 3 });
			expect(await keys(at('second'))).toEqual(['public/acme/copy.mp4']);
			expect(await storage.copy('raw/acme/old.mp4', 'raw/other/copy.mp4')).toMatchObject({ bytes: 3 });
			expect(await keys(at('first'))).toEqual(['raw/acme/old.mp4', 'raw/other/copy.mp4']);
		});

		it('finds a file that moves on between the two looks', async () => {
			const second = at('second');
			let looked = 0;
			// The mover finishes with this file right after the new place has been asked for it.
			backends.set('second', {
				...second,
				read: async (key, range) => {
					if (looked++ > 0) return second.read(key, range);
					const answer = second.read(key, range);
					await answer.catch(() => undefined);
					await put(second, key, 'old');
					await at('first').delete(key);
					return answer;
				},
			});
			storage = await make();
			expect(await read('raw/acme/old.mp4')).toBe('old');
		});

		it('gives out neither paths nor direct links, because files go away there', async () => {
			await storage.head('raw/acme/old.mp4');
			expect(storage.localPath('raw/acme/old.mp4')).toBeNull();
			expect(storage.direct('raw/acme/old.mp4')).toBeNull();
			expect(storage.localPath('raw/default/x.mp4')).not.toBeNull();
		});
	});

	it('lets a slow upload follow a workspace that was moved meanwhile', async () => {
		placements = [{ workspaceId: 'acme', storage: 'first', storageFrom: null }];
		const slow = new PassThrough();
		const stored = storage.putStream('raw/acme/slow.mp4', slow);
		slow.write('begun, ');
		// Until the old place has begun to write it.
		while (slow.readableLength > 0) await new Promise(setImmediate);
		placements = [{ workspaceId: 'acme', storage: 'second', storageFrom: null }];
		slow.end('ended');
		expect(await stored).toMatchObject({ key: 'raw/acme/slow.mp4', bytes: 12 });
		expect(await keys(at('first'))).toEqual([]);
		expect(await read('raw/acme/slow.mp4')).toBe('begun, ended');
	});

	it('lets a copy follow a workspace that was moved meanwhile', async () => {
		placements = [{ workspaceId: 'acme', storage: 'first', storageFrom: null }];
		await put(storage, 'raw/acme/1.mp4', 'bytes');
		const first = at('first');
		backends.set('first', {
			...first,
			copy: async (from, to) => {
				const copied = await first.copy(from, to);
				placements = [{ workspaceId: 'acme', storage: 'second', storageFrom: null }];
				return copied;
			},
		});
		expect(await storage.copy('raw/acme/1.mp4', 'raw/acme/2.mp4')).toMatchObject({ key: 'raw/acme/2.mp4', bytes: 5 });
		expect([await keys(first), await keys(at('second'))]).toEqual([['raw/acme/1.mp4'], ['raw/acme/2.mp4']]);
	});

	it('says that a copy is lost which could not follow its workspace', async () => {
		placements = [{ workspaceId: 'acme', storage: 'first', storageFrom: 'third' }];
		await put(at('first'), 'raw/acme/1.mp4', 'bytes');
		const first = at('first');
		backends.set('first', {
			...first,
			copy: async (from, to) => {
				const copied = await first.copy(from, to);
				await first.delete(to);
				placements = [{ workspaceId: 'acme', storage: 'second', storageFrom: null }];
				return copied;
			},
		});
		await expect(storage.copy('raw/acme/1.mp4', 'raw/acme/2.mp4')).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining('raw/acme/2.mp4') as string });
	});

	describe('uploads in parts', () => {
		const KEY = 'incoming/acme/up';
		let aborted: string[];
		const parts = (name: (typeof BACK_ENDS)[number]): Multipart => ({
			partBytes: 5,
			begin: () => Promise.resolve(`id:of ${name}`),
			signPart: (_key, uploadId, part) => Promise.resolve({ url: `https://${name}.example/${uploadId}/${part}`, method: 'PUT', headers: {} }),
			complete: (key) => put(at(name), key, `from ${name}`),
			abort: (_key, uploadId) => Promise.resolve(void aborted.push(`${name} ${uploadId}`)),
		});
		beforeEach(async () => {
			aborted = [];
			for (const name of ['first', 'third'] as const) backends.set(name, { ...at(name), name, multipart: () => parts(name) });
			storage = await make();
		});
		const signed = async (uploadId: string) => (await storage.multipart(KEY)?.signPart(KEY, uploadId, 1, { expiresAt: new Date(), bytes: 5 }))?.url;

		it('stay at the back end where they were begun, and follow the workspace when they are whole', async () => {
			const uploadId = (await storage.multipart(KEY)?.begin(KEY, { mime: 'video/mp4' })) ?? '';
			moving();
			await storage.head(KEY);
			expect(await signed(uploadId)).toBe('https://first.example/id:of first/1');
			placements = [{ workspaceId: 'acme', storage: 'third', storageFrom: null }];
			await storage.head(KEY);
			expect(await signed(uploadId)).toBe('https://first.example/id:of first/1');
			expect(await storage.multipart(KEY)?.complete(KEY, uploadId)).toMatchObject({ bytes: 10 });
			expect([await keys(at('first')), await read(KEY)]).toEqual([[], 'from first']);
			await storage.multipart(KEY)?.abort(KEY, uploadId);
			expect(aborted).toEqual(['first id:of first']);
		});

		it('are none at a back end that has none, and none of another name', async () => {
			placements = [{ workspaceId: 'acme', storage: 'second', storageFrom: null }];
			await storage.head(KEY);
			expect(storage.multipart(KEY)).toBeNull();
			placements = [];
			await storage.head(KEY);
			for (const uploadId of ['second:x', 'tape:x', 'x', '']) await expect(storage.multipart(KEY)?.complete(KEY, uploadId)).rejects.toMatchObject({ code: 'not_found' });
		});
	});

	it('moves local files under their key', async () => {
		placements = [{ workspaceId: 'acme', storage: 'second', storageFrom: null }];
		await writeFile(join(folder, 'in.txt'), 'content');
		await storage.putFile('raw/acme/in.txt', join(folder, 'in.txt'));
		expect(await keys(at('second'))).toEqual(['raw/acme/in.txt']);
	});

	it('names the workspace whose back end is not configured, and what to do', async () => {
		placements = [{ workspaceId: 'acme', storage: 'tape', storageFrom: 'first' }];
		expect(await storage.unknownBackends()).toEqual([expect.stringMatching(/acme .* tape, .*set the variables of tape/)]);
		await expect(storage.read('raw/acme/1.mp4')).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/acme .*tape/) as string });
		await put(storage, 'raw/default/1.mp4');
	});

	it('asks the database once for many files', async () => {
		let asked = 0;
		storage.close();
		storage = await createStorageByWorkspace({ backends, standard: 'first', publicFiles: null, placements: () => Promise.resolve([]).finally(() => asked++), cacheMs: 60_000 });
		await Promise.all(Array.from({ length: 20 }, (_, index) => put(storage, `raw/acme/${index}.txt`)));
		expect(asked).toBe(1);
	});

	it.each(['../x', 'raw/../../x', ''])('refuses the key %j', async (key) => {
		const refused = { code: 'invalid_request' };
		await expect(put(storage, key)).rejects.toMatchObject(refused);
		await expect(storage.read(key)).rejects.toMatchObject(refused);
		await expect(storage.head(key)).rejects.toMatchObject(refused);
		await expect(storage.delete(key)).rejects.toMatchObject(refused);
		await expect(storage.copy('raw/a/b', key)).rejects.toMatchObject(refused);
		expect(() => storage.localPath(key)).toThrow(expect.objectContaining(refused));
	});
});
