import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { text } from 'node:stream/consumers';
import { eq } from 'drizzle-orm';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { assets, uploads, workspaces } from '../../../sidecar/src/db/schema.ts';
import { placementOf } from '../../../sidecar/src/db/workspace-storage.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { moveStorage, type MoveOptions, type MoveSummary } from '../../../sidecar/src/ops/move-storage.ts';
import { createDiskStorage } from '../../../sidecar/src/storage/disk.ts';
import type { Storage } from '../../../sidecar/src/storage/storage.ts';
import { sha256 } from '../../../sidecar/src/secrets.ts';
import { openTestDatabase } from '../../support/pglite.ts';

const KEY = 'raw/acme/1.mp4';

describe('moving the files of a workspace', () => {
	let folder: string;
	let database: OpenDatabase;
	let backends: Map<string, Storage>;
	let said: string[];
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'move-'));
		backends = new Map(['old', 'new', 'world'].map((name) => [name, { ...createDiskStorage({ root: join(folder, name) }), name }]));
		said = [];
		await database.db.insert(workspaces).values({ id: 'acme', name: 'Acme' });
	});
	afterEach(async () => {
		await database.db.delete(assets);
		await database.db.delete(workspaces).where(eq(workspaces.id, 'acme'));
		await rm(folder, { recursive: true, force: true });
	});
	beforeAll(async () => {
		database = await openTestDatabase();
	});
	afterAll(() => database.close());

	const at = (name: string): Storage => backends.get(name) as Storage;
	const put = (name: string, key: string, content: string) => at(name).putStream(key, Readable.from([Buffer.from(content)]));
	/** The old place, or the new one, with something about it changed. */
	const change = (name: string, how: (real: Storage) => Partial<Storage>): void => void backends.set(name, { ...at(name), ...how(at(name)) });
	const files = async (name: string): Promise<Record<string, string>> => {
		const found: Record<string, string> = {};
		for await (const { key } of at(name).list('')) found[key] = await text(createReader(join(folder, name), key));
		return found;
	};
	const createReader = (root: string, key: string) => Readable.from((async function* () {
		yield* await createDiskStorage({ root }).read(key);
	})());
	const move = (more: Partial<MoveOptions> = {}): Promise<MoveSummary> =>
		moveStorage({ database, backends, standard: 'old', publicFiles: null, workspaceId: 'acme', to: 'new', dryRun: false, others: false, progress: () => undefined, say: (line) => void said.push(line), ...more });
	const place = async () => {
		const { storage, storageFrom } = (await placementOf(database.db, 'acme')) ?? {};
		return [storage, storageFrom];
	};
	/** What an earlier run, killed before it compared, may have left: newer than the file it was made of. */
	const leftBehind = async (content: string) => {
		await put('old', KEY, 'right');
		await utimes(at('old').localPath(KEY) ?? '', new Date('2026-01-01'), new Date('2026-01-01'));
		await put('new', KEY, content);
	};
	const asset = (content: string) => database.db.insert(assets).values({ id: randomUUID(), workspaceId: 'acme', source: 'url', status: 'ready', storageKey: KEY, sha256: sha256(content) });

	it('comes to an end where lists tell times more exactly than looks', async () => {
		// MinIO and R2: milliseconds in lists, whole seconds in the header.
		change('old', (real) => ({ head: async (key) => {
			const found = await real.head(key);
			return found && { ...found, modifiedAt: new Date(Math.floor(found.modifiedAt.getTime() / 1000) * 1000) };
		} }));
		await put('old', KEY, 'content');
		expect(await move()).toMatchObject({ verified: { files: 1 }, deleted: 1 });
		expect([await files('old'), await files('new')]).toEqual([{}, { [KEY]: 'content' }]);
	});

	it('takes along public files that were made before PUBLIC_STORAGE was set', async () => {
		await put('old', 'public/acme/a.webp', 'earlier');
		await put('world', 'public/acme/b.webp', 'later');
		await move({ publicFiles: 'world' });
		expect([await files('old'), await files('new'), await files('world')]).toEqual([{}, { 'public/acme/a.webp': 'earlier' }, { 'public/acme/b.webp': 'later' }]);
	});

	it('leaves public files where PUBLIC_STORAGE is', async () => {
		for (const key of [KEY, 'public/acme/a.webp']) await put('old', key, key);
		await move({ publicFiles: 'old' });
		expect([Object.keys(await files('old')), Object.keys(await files('new'))]).toEqual([['public/acme/a.webp'], [KEY]]);
	});

	it('does not begin a move to a storage of public files only', async () => {
		change('new', () => ({ publicOnly: true }));
		await put('old', KEY, 'private');
		await expect(move()).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringMatching(/PUBLIC_STORAGE/) as string });
		expect(await place()).toEqual([null, null]);
	});

	it.each([
		['longer', 'right and more'],
		['as long', 'wrong'],
	])('keeps both when the new place has something younger that is %s, and nothing tells which is right', async (_name, content) => {
		await leftBehind(content);
		await put('old', 'raw/acme/2.mp4', 'another');
		expect(await move()).toMatchObject({ differing: [KEY], deleted: 1 });
		expect([await files('old'), await files('new')]).toEqual([{ [KEY]: 'right' }, { [KEY]: content, 'raw/acme/2.mp4': 'another' }]);
		expect(await place()).toEqual(['new', 'old']);
		await at('new').delete(KEY);
		expect(await move()).toMatchObject({ differing: [] });
		expect([await files('old'), await files('new'), await place()]).toEqual([{}, { [KEY]: 'right', 'raw/acme/2.mp4': 'another' }, ['new', null]]);
	});

	it('replaces a bad copy that a killed move has left, when the database knows the right bytes', async () => {
		await leftBehind('wrong');
		await asset('right');
		expect(await move()).toMatchObject({ differing: [] });
		expect(await files('new')).toEqual({ [KEY]: 'right' });
	});

	it('keeps what was written to the new place since, when the database knows it', async () => {
		await leftBehind('anew');
		// Whatever the clocks of the two say.
		await utimes(at('new').localPath(KEY) ?? '', new Date('2020-01-01'), new Date('2020-01-01'));
		await asset('anew');
		await move();
		expect([await files('old'), await files('new')]).toEqual([{}, { [KEY]: 'anew' }]);
	});

	it('deletes nothing when the new place has other bytes than were sent', async () => {
		change('new', (real) => ({
			putStream: (key, stream, options) => real.putStream(key, stream.pipe(new Transform({ transform: (piece: Buffer, _encoding, done) => done(null, Buffer.from(piece.map((byte) => byte ^ 1))) })), options),
		}));
		await put('old', KEY, 'content');
		await expect(move()).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/differs at the new place/) as string });
		expect([await files('old'), await files('new'), await place()]).toEqual([{ [KEY]: 'content' }, {}, ['new', 'old']]);
	});

	it('deletes nothing at the old place that the new one has lost since it was compared', async () => {
		let looks = 0;
		change('old', (real) => ({
			head: async (key) => {
				// Before the copy, after it, and before the deletion.
				if (++looks === 3) await at('new').delete(key);
				return real.head(key);
			},
		}));
		await put('old', KEY, 'content');
		await move();
		expect(looks).toBeGreaterThan(3);
		expect([await files('old'), await files('new')]).toEqual([{}, { [KEY]: 'content' }]);
	});

	it('deletes nothing at the old place that is another file than the one that was compared', async () => {
		let looks = 0;
		change('old', (real) => ({
			head: async (key) => {
				if (++looks === 3) {
					await put('old', key, 'written late');
					await asset('written late');
				}
				return real.head(key);
			},
		}));
		await put('old', KEY, 'content');
		await move();
		expect([await files('old'), await files('new')]).toEqual([{}, { [KEY]: 'written late' }]);
	});

	it('takes its copy back when somebody deletes the file while it is copied', async () => {
		change('new', (real) => ({
			putStream: async (key, stream, options) => {
				await at('old').delete(key);
				return real.putStream(key, stream, options);
			},
		}));
		await put('old', KEY, 'content');
		expect(await move()).toMatchObject({ verified: { files: 0 } });
		expect([await files('old'), await files('new'), await place()]).toEqual([{}, {}, ['new', null]]);
	});

	it('leaves a file that its slow writer takes along to the new place itself, while it is copied', async () => {
		const late = 'raw/acme/late.mp4';
		let come = false;
		change('old', (real) => ({
			list: async function* (prefix: string) {
				// The move is over for everybody who looks into the database.
				if (!come && (await place())[1] === null) {
					come = true;
					await put('old', late, 'late');
				}
				yield* real.list(prefix);
			},
		}));
		change('new', (real) => ({
			putStream: async (key, stream, options) => {
				const stored = await real.putStream(key, stream, options);
				if (key === late) await at('old').delete(key);
				return stored;
			},
		}));
		await put('old', KEY, 'content');
		await move({ others: true, noticeMs: 1 });
		expect([await files('old'), await files('new')]).toEqual([{}, { [KEY]: 'content', [late]: 'late' }]);
	});

	it('is not over while an upload straight into the old store may still arrive', async () => {
		change('old', () => ({ direct: () => ({ get: () => Promise.resolve(''), put: null }) }));
		const upload = async (uploadId: string | null) => {
			const id = randomUUID();
			await database.db.insert(assets).values({ id, workspaceId: 'acme', source: 'upload', status: 'uploading' });
			await database.db.insert(uploads).values({ assetId: id, workspaceId: 'acme', protocol: 'multipart', direct: true, bytes: 1, mime: 'video/mp4', uploadId, expiresAt: new Date(Date.now() + 60_000), createdAt: new Date(Date.now() - 60_000) });
			return id;
		};
		const [one] = [await upload(null), await upload('new:1')];
		await put('old', KEY, 'content');
		expect(await move()).toMatchObject({ openUploads: 1 });
		expect(await place()).toEqual(['new', 'old']);
		// It came.
		await put('old', 'incoming/acme/up', 'uploaded');
		await database.db.update(uploads).set({ arrivedAt: new Date() }).where(eq(uploads.assetId, one));
		expect(await move()).toMatchObject({ openUploads: 0 });
		expect([await files('old'), await files('new'), await place()]).toEqual([{}, { [KEY]: 'content', 'incoming/acme/up': 'uploaded' }, ['new', null]]);
	});

	it('says so, instead of going on for ever, when the old place does not let go', async () => {
		change('old', () => ({ delete: () => Promise.resolve() }));
		await put('old', KEY, 'content');
		await expect(move()).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/old still has raw\/acme\/1.mp4/) as string });
		expect([await files('new'), await place()]).toEqual([{ [KEY]: 'content' }, ['new', 'old']]);
	});

	it('asks for what lies in the archive, moves the rest, and goes on when it is back', async () => {
		const archive = new Set([KEY]);
		const asked: string[] = [];
		change('old', (real) => ({
			read: async (key, range) => {
				if (archive.has(key)) throw new PipelineError('storage_archived', 'not yet');
				return real.read(key, range);
			},
			setClass: (key) => {
				asked.push(key);
				return Promise.reject(new PipelineError('storage_archived', 'asked for'));
			},
		}));
		for (const key of [KEY, 'raw/acme/2.mp4']) await put('old', key, key);
		expect(await move()).toMatchObject({ archived: [KEY], deleted: 1 });
		expect([asked, await place()]).toEqual([[KEY], ['new', 'old']]);
		archive.clear();
		expect(await move()).toMatchObject({ archived: [], deleted: 1 });
		expect([await files('old'), Object.keys(await files('new')).length, await place()]).toEqual([{}, 2, ['new', null]]);
	});

	it('does not begin where the old place is another one than the database knows', async () => {
		await put('old', 'raw/other/1.mp4', 'of another workspace');
		await asset('content');
		await expect(move()).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/raw\/acme\/1\.mp4.*DATA_DIR, STORAGE/) as string });
		expect(await place()).toEqual([null, null]);
		await put('old', 'raw/acme/2.mp4', 'one is enough');
		expect(await move()).toMatchObject({ deleted: 1 });
	});

	it('knows of no archive any more where the file came out of it, and tells the new place what it is', async () => {
		const mimes: Array<string | undefined> = [];
		change('new', (real) => ({ putStream: (key, stream, put) => (mimes.push(put?.mime), real.putStream(key, stream, put)) }));
		await put('old', 'raw/acme/1.mov', 'content');
		await put('old', 'jobs/acme/1/index.m3u8', 'list');
		for (const key of ['raw/acme/1.mov', 'raw/acme/lost.mov']) await database.db.insert(assets).values({ id: randomUUID(), workspaceId: 'acme', source: 'url', status: 'ready', storageKey: key, sha256: sha256('content'), originalState: 'archived' });
		await move();
		const states = await database.db.select({ key: assets.storageKey, state: assets.originalState }).from(assets).orderBy(assets.storageKey);
		expect(states).toEqual([{ key: 'raw/acme/1.mov', state: 'stored' }, { key: 'raw/acme/lost.mov', state: 'archived' }]);
		expect(mimes.sort()).toEqual(['application/vnd.apple.mpegurl', 'video/quicktime']);
	});

	it('takes away what killed writers have left at the old place, of this workspace only', async () => {
		for (const workspace of ['acme', 'other']) {
			await put('old', `raw/${workspace}/1.mp4`, workspace);
			await writeFile(join(folder, 'old', 'raw', workspace, '.half.part'), 'half');
		}
		await move();
		expect((await readdir(join(folder, 'old'), { recursive: true })).filter((name) => name.includes('.')).sort()).toEqual(['raw/other/.half.part', 'raw/other/1.mp4']);
	});
});
