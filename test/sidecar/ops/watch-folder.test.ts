import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchedFiles } from '../../../sidecar/src/compose/watch.ts';
import { insertAssets, updateAsset } from '../../../sidecar/src/db/assets.ts';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
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
		expect(await after(round)).toBe(0);
		expect(await after(round, 5000)).toBe(1);
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

	it('is not stopped by a folder that cannot be read, nor by names that cannot be asked for; each is told once', async () => {
		const said: unknown[] = [];
		const log = Object.assign(createLogger('silent'), { warn: (...given: unknown[]) => void said.push(given[0]) });
		for (const path of ['a.mp4', 'inner/b.mp4', 'locked/c.mp4', 'line\nbreak.mp4', 'back\\slash.mp4', 'odd\\folder/d.mp4', '🎬 ü.mp4']) await put(path);
		await chmod(root, 0o755);
		await chmod(join(root, 'locked'), 0);
		const round = watch({ log });
		const asNobody = async (): Promise<number> => {
			// To root, no folder is locked.
			if (process.getuid?.() !== 0) return after(round);
			process.seteuid?.(65_534);
			return after(round).finally(() => process.seteuid?.(0));
		};
		await asNobody();
		expect(await asNobody()).toBe(3);
		expect(await taken()).toEqual(['a.mp4', 'inner/b.mp4', '🎬 ü.mp4'].sort());
		await asNobody();
		expect(said.map((one) => (one as { file: string }).file).sort()).toEqual(['back\\slash.mp4', 'line\nbreak.mp4', 'locked', 'odd\\folder']);
	});

	it('does not try a thousand files when none can be submitted, and comes to all of them later', async () => {
		for (let index = 0; index < 12; index += 1) await put(`${index}.mp4`);
		let tries = 0;
		let broken = true;
		const round = watch({
			submit: async (tx, path) => {
				tries += 1;
				if (broken) throw new PipelineError('not_found', 'There is no pipeline "none".');
				const id = randomUUID();
				await insertAssets(tx, [{ id, workspaceId: 'acme', source: 'folder', sourceId: path, status: 'processing' }]);
				return id;
			},
		});
		await round();
		await after(round);
		expect(tries).toBe(5);
		await after(round);
		expect(tries).toBe(10);
		broken = false;
		await after(round);
		expect(await taken()).toHaveLength(2);
		await after(round, 60_000);
		expect(await taken()).toHaveLength(12);
	});

	it('moves others when some cannot be moved, and never two files to one name', async () => {
		const round = watch({ move: true });
		await put('a/x.mp4');
		await put('b.mp4');
		await round();
		await after(round);
		for (const { id } of submitted) await updateAsset(database.db, id, { status: 'processed' });
		// In place of the folder that it would go to.
		await put('done/a', 'a file');
		await after(round);
		expect(await readFile(join(root, 'done', 'b.mp4'), 'utf8')).toBe('film');
		expect(await readFile(join(root, 'a', 'x.mp4'), 'utf8')).toBe('film');
		await rm(join(root, 'done', 'a'));
		await after(round);
		expect(await readFile(join(root, 'done', 'a', 'x.mp4'), 'utf8')).toBe('film');
	});

	it('forgets nothing while the folder cannot be looked at', async () => {
		const round = watch({ move: true });
		await put('inner/a.mp4');
		await round();
		expect(await after(round)).toBe(1);
		await updateAsset(database.db, submitted[0]?.id as string, { status: 'processed' });
		// A name too long, a loop of links, a drive that is away: whatever is not "there is none".
		await rename(join(root, 'inner'), join(root, 'away'));
		await symlink('inner', join(root, 'inner'));
		await after(round);
		await rm(join(root, 'inner'));
		await rename(join(root, 'away'), join(root, 'inner'));
		await after(round);
		expect(submitted).toHaveLength(1);
		expect(await readFile(join(root, 'done', 'inner', 'a.mp4'), 'utf8')).toBe('film');
	});
});
