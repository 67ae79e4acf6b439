import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchedFiles } from '../../../sidecar/src/compose/watch.ts';
import { insertAssets, updateAsset } from '../../../sidecar/src/db/assets.ts';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { createLogger } from '../../../sidecar/src/log.ts';
import { createWatchFolder, type WatchDeps } from '../../../sidecar/src/ops/watch-folder.ts';
import { openTestDatabase } from '../../support/pglite.ts';

const SETTLE = 1000;

describe('the watched folder', () => {
	let root: string;
	let database: OpenDatabase;
	let clock: number;
	const submitted: Array<{ path: string; id: string }> = [];
	beforeEach(async () => {
		root = await mkdtemp(join(tmpdir(), 'watch-'));
		database = await openTestDatabase();
		await createWorkspace(database.db, 'acme', `key-${randomUUID()}`);
		clock = 0;
		submitted.length = 0;
	});
	afterEach(async () => {
		await database.close();
		await rm(root, { recursive: true, force: true });
	});
	const watch = (change: Partial<WatchDeps> = {}) =>
		createWatchFolder({
			files: watchedFiles,
			db: database.db,
			root,
			workspaceId: 'acme',
			move: false,
			settleMs: SETTLE,
			submit: async (tx, path) => {
				const id = randomUUID();
				await insertAssets(tx, [{ id, workspaceId: 'acme', source: 'folder', sourceId: path, status: 'processing' }]);
				submitted.push({ path, id });
				return id;
			},
			wake: () => {},
			log: createLogger('silent'),
			now: () => clock,
			...change,
		});
	const after = async (round: () => Promise<number>, ms = SETTLE) => {
		clock += ms;
		return round();
	};
	const taken = async () => (await database.db.query.assets.findMany()).map(({ sourceId }) => sourceId).sort();
	const put = async (path: string, content = 'film') => {
		await mkdir(join(root, path, '..'), { recursive: true });
		await writeFile(join(root, path), content);
	};

	it('takes a file once it has stopped growing', async () => {
		const round = watch();
		await put('inner/a.mp4');
		await put('notes.txt');
		await put('empty.mp4', '');
		expect(await round()).toBe(0);
		await put('inner/a.mp4', 'film that grows');
		expect(await after(round)).toBe(0);
		expect(await after(round, SETTLE - 1)).toBe(0);
		expect(await after(round, 1)).toBe(1);
		expect(await after(round)).toBe(0);
		expect(await taken()).toEqual(['inner/a.mp4']);
	});

	it('takes each version once: also after a restart, and when two sidecars look', async () => {
		await put('a.mp4');
		await put('b.mp4');
		const [one, two] = [watch(), watch()];
		await Promise.all([one(), two()]);
		clock += SETTLE;
		const counts = await Promise.all([one(), two()]);
		expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2);
		const restarted = watch();
		await restarted();
		expect(await after(restarted)).toBe(0);
		expect(await taken()).toEqual(['a.mp4', 'b.mp4']);
		await put('a.mp4', 'another film');
		await restarted();
		expect(await after(restarted)).toBe(1);
	});

	it('takes nothing when the work cannot be submitted, and tries again', async () => {
		await put('a.mp4');
		let broken = true;
		const round = watch({
			submit: async (tx, path) => {
				const id = randomUUID();
				await insertAssets(tx, [{ id, workspaceId: 'acme', source: 'folder', sourceId: path, status: 'processing' }]);
				if (broken) throw new Error('the process dies here');
				return id;
			},
		});
		await round();
		expect(await after(round)).toBe(0);
		expect(await taken()).toEqual([]);
		broken = false;
		expect(await after(round)).toBe(1);
		expect(await taken()).toEqual(['a.mp4']);
	});

	it('moves what has ended to done/ or failed/ with a note, and looks at neither again', async () => {
		const round = watch({ move: true });
		for (const path of ['sub/a.mp4', 'b.mp4', 'c.mp4', 'done/b.mp4']) await put(path);
		await round();
		expect(await after(round)).toBe(3);
		const idOf = (path: string) => submitted.find((one) => one.path === path)?.id as string;
		await updateAsset(database.db, idOf('sub/a.mp4'), { status: 'processed' });
		await updateAsset(database.db, idOf('b.mp4'), { status: 'ready' });
		await after(round);
		expect((await readdir(root, { recursive: true })).filter((name) => /\.mp4/.test(name)).sort()).toEqual(['c.mp4', 'done/b-2.mp4', 'done/b.mp4', 'done/sub/a.mp4']);
		await updateAsset(database.db, idOf('c.mp4'), { status: 'failed', error: { code: 'input_corrupt', message: 'It is damaged.' } });
		await after(round);
		expect((await readdir(join(root, 'failed'))).sort()).toEqual(['c.mp4', 'c.mp4.txt']);
		expect(await readFile(join(root, 'failed', 'c.mp4.txt'), 'utf8')).toMatch(/^It is damaged\.[^]*input_corrupt/);
		expect(await after(round)).toBe(0);
		// Put back, it is tried again.
		await rename(join(root, 'failed', 'c.mp4'), join(root, 'c.mp4'));
		await round();
		expect(await after(round)).toBe(1);
	});

	it('leaves a file alone that was replaced while its work went on', async () => {
		const round = watch({ move: true });
		await put('a.mp4');
		await round();
		await after(round);
		await put('a.mp4', 'another film');
		await updateAsset(database.db, submitted[0]?.id as string, { status: 'processed' });
		await after(round);
		expect(await readFile(join(root, 'a.mp4'), 'utf8')).toBe('another film');
		expect(await after(round)).toBe(1);
	});
});
