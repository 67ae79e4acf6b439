import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createDiskStorage } from '../../../sidecar/src/storage/disk.ts';
import type { StorageStage } from './stage.ts';

export const disk: StorageStage = {
	name: 'disk',
	can: { direct: false, multipart: false, archive: false, unfinished: true },
	async start() {
		const folder = await mkdtemp(join(tmpdir(), 'storage-disk-'));
		let places = 0;
		return {
			async place() {
				const root = join(folder, String(++places));
				await mkdir(root);
				return {
					storage: createDiskStorage({ root }),
					recipe: { module: 'disk.ts', create: 'createDiskStorage', options: { root } },
					leftovers: async () => (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.part')),
					leaveHalf: async (key) => {
						const path = join(root, dirname(key));
						await mkdir(path, { recursive: true });
						await writeFile(join(path, '.4f0c.part'), 'half');
					},
				};
			},
			stop: () => rm(folder, { recursive: true, force: true }),
		};
	},
};
