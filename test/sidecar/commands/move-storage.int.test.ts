import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { eq, sql } from 'drizzle-orm';
import { moveStorageCommand } from '../../../sidecar/src/commands/move-storage.ts';
import { composeStorage, createBackEnds } from '../../../sidecar/src/compose/storage.ts';
import { readConfig } from '../../../sidecar/src/config.ts';
import { openPglite, openPostgres } from '../../../sidecar/src/db/open.ts';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { workspaces } from '../../../sidecar/src/db/schema.ts';
import { aloneMoving } from '../../../sidecar/src/db/workspace-storage.ts';
import { createDiskStorage } from '../../../sidecar/src/storage/disk.ts';
import { createS3Storage } from '../../../sidecar/src/storage/s3.ts';
import type { Storage } from '../../../sidecar/src/storage/storage.ts';
import { prepareDatabase } from '../../support/pglite.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { startS3, type TestS3 } from '../../support/s3.ts';
import { startTestSidecar } from '../../support/sidecar.ts';

/** Each opens an embedded database several times, on a machine that has other work. */
const SLOW_MS = 120_000;
jest.setTimeout(SLOW_MS);

const COMMAND = fileURLToPath(new URL('../../../sidecar/src/commands/move-storage.ts', import.meta.url));
const TO_S3 = ['--workspace', 'acme', '--to', 's3'];

let server: TestS3;
let folder: string;
let environment: Record<string, string>;
let disk: Storage;
let s3: Storage;
beforeAll(async () => {
	server = await startS3();
});
afterAll(() => server.stop());
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'move-storage-'));
	const options = await server.bucket();
	environment = {
		DATA_DIR: folder,
		S3_ENDPOINT: options.endpoint,
		S3_BUCKET: options.bucket,
		S3_ACCESS_KEY_ID: server.credentials.accessKeyId,
		S3_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
		S3_FORCE_PATH_STYLE: 'true',
	};
	await prepareDatabase(join(folder, 'database'));
	disk = createDiskStorage({ root: join(folder, 'files') });
	s3 = createS3Storage(options);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The mover, and the store, are on the same few cores as the one who watches them. */
const letOthersWork = (): Promise<void> => new Promise((done) => setTimeout(done, 20));

const put = (storage: Storage, key: string, content: string) => storage.putStream(key, Readable.from([Buffer.from(content)]));
const filesIn = async (storage: Storage, prefix = ''): Promise<Record<string, string>> => {
	const found: Record<string, string> = {};
	for await (const { key } of storage.list(prefix)) found[key] = await text(await storage.read(key));
	return found;
};
const count = async (storage: Storage): Promise<number> => {
	let files = 0;
	for await (const _file of storage.list('')) files++;
	return files;
};
const run = async (flags: string[], more: Record<string, string> = {}): Promise<{ code: number; said: string }> => {
	let said = '';
	const code = await moveStorageCommand({ ...environment, ...more }, flags, (line) => (said += `${line}\n`));
	return { code, said };
};
const withDatabase = async <T>(work: (database: OpenDatabase) => Promise<T>): Promise<T> => {
	const database = await openPglite(join(folder, 'database'));
	try {
		return await work(database);
	} finally {
		await database.close();
	}
};
const placement = () => withDatabase(async ({ db }) => (await db.select({ storage: workspaces.storage, from: workspaces.storageFrom }).from(workspaces).where(eq(workspaces.id, 'acme')))[0]);

/** Files of a workspace, of every kind, and one of somebody else. */
async function fill(files: number): Promise<Record<string, string>> {
	await withDatabase(({ db }) => db.insert(workspaces).values([{ id: 'acme', name: 'Acme' }, { id: 'other', name: 'Other' }]));
	const folders = ['raw/acme', 'incoming/acme', 'jobs/acme/4f0c', 'public/acme'];
	for (let index = 0; index < files; index++) await put(disk, `${folders[index % 4]}/${index}.mp4`, `${index} `.repeat(1000 + index * 100));
	await put(disk, 'raw/acme/empty.mp4', '');
	const mine = await filesIn(disk);
	await put(disk, 'raw/other/1.mp4', 'of somebody else');
	return mine;
}

describe('storage:move', () => {
	it('moves every file of the workspace, and nothing else', async () => {
		const mine = await fill(12);
		const { code, said } = await run(TO_S3);
		expect(said).toMatch(/13 files \(.*\) moved from disk to s3 and verified; 13 deleted at disk/);
		expect(code).toBe(0);
		expect(await filesIn(s3)).toEqual(mine);
		expect(await filesIn(disk)).toEqual({ 'raw/other/1.mp4': 'of somebody else' });
		expect(await placement()).toEqual({ storage: 's3', from: null });
		await expect(run(TO_S3)).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/in s3 already/) as string });
		expect(await run(['--workspace', 'acme', '--to', 'disk'])).toMatchObject({ code: 0 });
		expect(await filesIn(disk, 'raw/acme/')).toEqual(Object.fromEntries(Object.entries(mine).filter(([key]) => key.startsWith('raw/'))));
		expect(await count(s3)).toBe(0);
	});

	it('says what it would move, and changes nothing', async () => {
		await fill(4);
		const { code, said } = await run([...TO_S3, '--dry-run']);
		expect([code, said]).toEqual([0, expect.stringMatching(/^Would move 5 files .* from disk to s3. Nothing was changed/)]);
		expect(await count(disk)).toBe(6);
		expect(await count(s3)).toBe(0);
		expect(await placement()).toEqual({ storage: null, from: null });
	});

	it('is killed again and again, and in the end everything is there once', async () => {
		const mine = await fill(24);
		const everything = async () => withDatabase(async ({ db }) => {
			const config = readConfig(environment);
			const storage = await composeStorage(createBackEnds(config, folder), config, db);
			try {
				return await filesIn(storage, 'raw/acme/');
			} finally {
				storage.close();
			}
		});
		const raw = Object.fromEntries(Object.entries(mine).filter(([key]) => key.startsWith('raw/')));
		let kills = 0;
		const killWhen = async (reached: () => Promise<boolean>): Promise<void> => {
			const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', COMMAND, ...TO_S3], { env: { PATH: process.env['PATH'], ...environment }, stdio: 'ignore' });
			const gone = once(child, 'exit');
			while (child.exitCode === null && child.signalCode === null && !(await reached())) await letOthersWork();
			child.kill('SIGKILL');
			await gone;
			kills += child.signalCode === 'SIGKILL' ? 1 : 0;
			expect(await everything()).toEqual(raw);
		};
		await killWhen(async () => (await count(s3)) >= 3);
		expect(await placement()).toEqual({ storage: 's3', from: 'disk' });
		expect(await count(disk)).toBe(26);
		await killWhen(async () => (await count(s3)) >= 12);
		await killWhen(async () => (await count(disk)) < 25);
		expect(kills).toBe(3);
		const { code, said } = await run(TO_S3);
		expect(said).toContain('Going on with the move of acme from disk to s3.');
		expect(code).toBe(0);
		expect(await filesIn(s3)).toEqual(mine);
		expect(await count(disk)).toBe(1);
		expect(await placement()).toEqual({ storage: 's3', from: null });
	}, 3 * SLOW_MS);

	it('replaces what differs at the new place by what it moves, unless that was written since', async () => {
		await fill(4);
		await put(s3, 'raw/acme/0.mp4', 'of an earlier time');
		// The clock of the store has whole seconds: the old place is the younger one from the next second on.
		for (let age = 0; age < 1; age = Math.floor(((await disk.head('raw/acme/0.mp4'))?.modifiedAt.getTime() ?? 0) / 1000 - ((await s3.head('raw/acme/0.mp4'))?.modifiedAt.getTime() ?? 0) / 1000)) await put(disk, 'raw/acme/0.mp4', 'of now');
		expect(await run(TO_S3)).toMatchObject({ code: 0 });
		expect(await text(await s3.read('raw/acme/0.mp4'))).toBe('of now');
	});

	it('can be taken back half way', async () => {
		const mine = await fill(8);
		await withDatabase(({ db }) => db.update(workspaces).set({ storage: 's3', storageFrom: 'disk' }).where(eq(workspaces.id, 'acme')));
		for (const key of Object.keys(mine).slice(0, 3)) {
			await put(s3, key, mine[key] ?? '');
			await disk.delete(key);
		}
		expect(await run(['--workspace', 'acme', '--to', 'disk'])).toMatchObject({ code: 0 });
		expect(await count(s3)).toBe(0);
		expect(await filesIn(disk)).toEqual({ ...mine, 'raw/other/1.mp4': 'of somebody else' });
		expect(await placement()).toEqual({ storage: 'disk', from: null });
	});

	it('refuses what makes no sense, with words', async () => {
		await fill(1);
		await expect(run(['--workspace', 'nobody', '--to', 's3'])).rejects.toMatchObject({ code: 'not_found' });
		await expect(run(['--workspace', 'acme', '--to', 'tape'])).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringMatching(/tape is not configured.*disk, s3/) as string });
		await expect(run(['--workspace', 'acme', '--to', 'disk'])).rejects.toMatchObject({ code: 'conflict' });
		expect(await run(['--workspace', 'acme'])).toMatchObject({ code: 2, said: expect.stringContaining('npm run storage:move') as string });
		expect(await run(['--nonsense'])).toMatchObject({ code: 2 });
		expect(await run(['--help'])).toMatchObject({ code: 0 });
		await expect(run(TO_S3, { S3_SECRET_ACCESS_KEY: 'wrong-secret-key' })).rejects.toMatchObject({ code: 'storage_failed', message: expect.not.stringContaining('wrong-secret-key') as string });
		expect(await placement()).toEqual({ storage: null, from: null });
		expect(await count(disk)).toBe(3);
	});
});

describe('storage:move beside sidecars at work', () => {
	let postgres: TestPostgres;
	beforeAll(async () => {
		postgres = await startPostgres();
	});
	afterAll(() => postgres.stop());

	it('loses nothing that is written, read and deleted meanwhile', async () => {
		const more = { DATABASE_URL: postgres.url };
		const sidecar = await startTestSidecar({ ...environment, ...more });
		const database = await openPostgres({ url: postgres.url });
		const config = readConfig({ ...environment, ...more });
		// As another process sees it.
		const storage = await composeStorage(createBackEnds(config, folder), config, database.db);
		try {
			for (let index = 0; index < 16; index++) await put(storage, `raw/default/old-${index}.mp4`, `old ${index} `.repeat(2000));
			expect(await count(disk)).toBe(16);
			const moving = run(['--workspace', 'default', '--to', 's3'], more);
			const moved = moving.then(() => true);
			const expected = new Map<string, string>();
			for (let index = 0; index < 16; index++) expected.set(`raw/default/old-${index}.mp4`, `old ${index} `.repeat(2000));
			const secondMove = new Promise<unknown>((done) => {
				const again = setInterval(() => {
					run(['--workspace', 'default', '--to', 's3'], more).then(done, done);
					clearInterval(again);
				}, 500);
			});
			for (let index = 0; !(await Promise.race([moved, Promise.resolve(false)])); index++) {
				// Some before this process knows of the move, some after; all of them for ever would keep the mover from ending.
				if (index % 8 === 0 && index < 200) {
					await put(storage, `raw/default/new-${index}.mp4`, `new ${index}`);
					expected.set(`raw/default/new-${index}.mp4`, `new ${index}`);
				}
				if (index < 8 && index % 2 === 0) {
					await storage.delete(`raw/default/old-${index}.mp4`);
					expected.delete(`raw/default/old-${index}.mp4`);
				}
				const looked = `raw/default/old-${8 + (index % 8)}.mp4`;
				expect(await text(await storage.read(looked))).toBe(expected.get(looked));
				await letOthersWork();
			}
			expect(await moving).toMatchObject({ code: 0 });
			expect(await secondMove).toMatchObject({ code: 'conflict' });
			expect(await filesIn(s3)).toEqual(Object.fromEntries(expected));
			expect(await count(disk)).toBe(0);
		} finally {
			storage.close();
			await database.close();
			await sidecar.close();
		}
	}, 2 * SLOW_MS);

	it('deletes nothing any more when the connection that keeps others away has broken', async () => {
		const database = await openPostgres({ url: postgres.url });
		try {
			await expect(
				aloneMoving(database, 'default', async (alone) => {
					await alone();
					await database.db.execute(sql`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'`);
					await expect(alone()).rejects.toThrow();
					expect(await aloneMoving(database, 'default', () => Promise.resolve())).toBe(true);
				}),
			).rejects.toThrow();
		} finally {
			await database.close();
		}
	});
});
