import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eq } from 'drizzle-orm';
import { insertAssets } from '../../../../sidecar/src/db/assets.ts';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { gridStep } from '../../../../sidecar/src/db/fingerprints.ts';
import { fingerprints } from '../../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../../sidecar/src/db/workspaces.ts';
import { SILENCE, telling } from '../../../../sidecar/src/media/align.ts';
import { hashSound } from '../../../../sidecar/src/media/fingerprint.ts';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { createFindDuplicates, isCommon, probesOf, type Duplicate } from '../../../../sidecar/src/operations/ai/find-duplicates.ts';
import { duplicateFixture, type DuplicateFixture } from '../../../fixtures/duplicates.ts';
import { editFixture } from '../../../fixtures/edit.ts';
import { hiddenFixture } from '../../../fixtures/hidden.ts';
import { image } from '../../../fixtures/images.ts';
import { fixture } from '../../../fixtures/media.ts';
import { testTask } from '../../../support/task-context.ts';
import { openTestDatabase } from '../../../support/pglite.ts';

describe('find_duplicates', () => {
	let database: OpenDatabase;
	let workspace: string;
	beforeAll(async () => {
		database = await openTestDatabase();
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		workspace = `w-${randomUUID()}`;
		await createWorkspace(database.db, workspace, `key-${workspace}`);
	});

	const addAsset = async (path: string, workspaceId = workspace) => {
		const id = randomUUID();
		const { durationSeconds } = await probe(path);
		const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
		await insertAssets(database.db, [{ id, workspaceId, source: 'url', status: 'ready', sha256, durationSeconds }]);
		return { id, path, workspaceId };
	};
	type Asset = Awaited<ReturnType<typeof addAsset>>;
	const look = async ({ id, path, workspaceId }: Asset, given: Record<string, unknown> = {}) => {
		const task = await testTask(path);
		try {
			const operation = createFindDuplicates({ db: database.db });
			const { output } = await operation.run({ ...task.context, assetId: id, workspaceId }, operation.params.parse(given));
			return output as { is_duplicate: boolean; duplicates: Duplicate[]; notes?: string[] };
		} finally {
			await task.end();
		}
	};
	const known = async (name: DuplicateFixture): Promise<Asset> => {
		const asset = await addAsset(duplicateFixture(name));
		await look(asset);
		return asset;
	};
	const newOne = async (name: DuplicateFixture, given: Record<string, unknown> = {}) => look(await addAsset(duplicateFixture(name)), given);

	describe('of pictures', () => {
		it.each(['photoSmall', 'photoBad', 'photoBright', 'photoLogo', 'photoMirrored'] as const)('finds the copy %s, and no other picture', async (name) => {
			const original = await known('photo');
			for (const other of ['otherPhoto', 'thirdPhoto', 'plain'] as const) await known(other);
			const { is_duplicate: is, duplicates } = await newOne(name);
			expect(is).toBe(true);
			expect(duplicates).toEqual([
				{ asset_id: original.id, kind: 'image', similarity: expect.any(Number), matched_seconds: null, offset_seconds: null, older: true, ...(name === 'photoMirrored' ? { mirrored: true } : {}) },
			]);
			expect(duplicates[0]?.similarity).toBeGreaterThan(0.9);
		});

		it('leaves mirrored ones out where they do not count', async () => {
			await known('photo');
			expect(await newOne('photoMirrored', { mirrored: false })).toEqual({ is_duplicate: false, duplicates: [] });
		});

		it('says that one of one colour cannot be told from others', async () => {
			await known('plain');
			expect(await newOne('plainToo')).toEqual({ is_duplicate: false, duplicates: [], notes: [expect.stringMatching(/too little/)] });
		});

		it('says that a damaged one cannot be read', async () => {
			const path = join(await mkdtemp(join(tmpdir(), 'broken-')), 'broken.jpg');
			const bytes = readFileSync(duplicateFixture('photo'));
			await writeFile(path, bytes.subarray(0, bytes.length / 2));
			await expect(look(await addAsset(path))).rejects.toMatchObject({ code: 'input_corrupt' });
			await rm(dirname(path), { recursive: true });
		});
	});

	describe('of films', () => {
		it.each([
			['filmSmall', [0, 12], 0],
			['filmBad', [0, 12], 0],
			['filmLogo', [0, 12], 0],
			['filmMirrored', [0, 12], 0],
			['filmPart', [0.6, 6.6], 3.4],
			['filmSpliced', [6, 12], 0],
		] as const)('finds the copy %s', async (name, [from, to], offset) => {
			const original = await known('film');
			for (const other of ['thirdFilm', 'black', 'white'] as const) await known(other);
			const { duplicates } = await newOne(name);
			expect(duplicates).toHaveLength(1);
			const [found] = duplicates as [Duplicate];
			expect(found).toMatchObject({ asset_id: original.id, kind: 'video', ...(name === 'filmMirrored' ? { mirrored: true } : {}) });
			expect(found.similarity).toBeGreaterThan(0.65);
			// The last picture may be worn beyond recognition: within a second and a bit.
			expect(Math.abs((found.matched_seconds?.[0] ?? 99) - from)).toBeLessThan(1.2);
			expect(Math.abs((found.matched_seconds?.[1] ?? 99) - to)).toBeLessThan(1.2);
			expect(Math.abs((found.offset_seconds ?? 99) - offset)).toBeLessThan(0.2);
		});

		it('finds the whole where a part is known', async () => {
			const part = await known('filmPart');
			const { duplicates } = await newOne('film');
			expect(duplicates).toMatchObject([{ asset_id: part.id, kind: 'video' }]);
			expect(duplicates[0]?.offset_seconds).toBeCloseTo(-3.4, 0);
			expect(duplicates[0]?.matched_seconds?.[0]).toBeCloseTo(3.4, 0);
		});

		it('finds none among all the others there are', async () => {
			const paths = [
				...(['film', 'otherFilm', 'thirdFilm', 'black', 'white'] as const).map(duplicateFixture),
				...(['wanderer', 'jumper', 'flashes', 'numbered', 'quarters', 'red'] as const).map(editFixture),
				fixture('speech'),
				fixture('gif'),
				...(['photo', 'otherPhoto', 'thirdPhoto'] as const).map(duplicateFixture),
				image('animatedWebp'),
				fixture('png'),
				duplicateFixture('song'),
				duplicateFixture('otherSong'),
				duplicateFixture('tone'),
				duplicateFixture('silence'),
			];
			const found: string[] = [];
			for (const path of paths) for (const { kind, asset_id: id } of (await look(await addAsset(path))).duplicates) found.push(`${path} ${kind} ${id}`);
			expect(found).toEqual([]);
		});
	});

	describe('of sounds', () => {
		it.each([
			['songMp3', 0],
			['songPart', 8.3],
			['songUnderFilm', 0],
		] as const)('finds the copy %s', async (name, offset) => {
			const original = await known('song');
			for (const other of ['otherSong', 'tone', 'silence'] as const) await known(other);
			const { duplicates } = await newOne(name);
			expect(duplicates).toMatchObject([{ asset_id: original.id, kind: 'sound' }]);
			expect(duplicates[0]?.similarity).toBeGreaterThan(0.8);
			expect(Math.abs((duplicates[0]?.offset_seconds ?? 99) - offset)).toBeLessThan(0.3);
		});

		it('tells nothing by silence', async () => {
			const task = await testTask(hiddenFixture('lateNotes'));
			const { sequence } = await hashSound(await task.context.source(), task.context);
			await task.end();
			// Chromaprint's number for it has not changed with ffmpeg.
			expect(sequence?.slice(0, 5)).toEqual([SILENCE, SILENCE, SILENCE, SILENCE, SILENCE]);
			expect(telling(sequence ?? []).filter((value) => value === SILENCE)).toEqual([]);
		});

		it('leaves them out where only pictures count', async () => {
			await known('song');
			expect(await newOne('songUnderFilm', { compare: 'picture' })).toMatchObject({ is_duplicate: false });
		});
	});

	it('tells equal bytes first, also of media that never were fingerprinted', async () => {
		const [never, before] = [await addAsset(duplicateFixture('black')), await known('film')];
		expect((await newOne('black')).duplicates).toEqual([{ asset_id: never.id, kind: 'identical', similarity: 1, matched_seconds: [0, 6], offset_seconds: 0, older: true }]);
		expect((await newOne('film')).duplicates).toEqual([expect.objectContaining({ asset_id: before.id, kind: 'identical' })]);
	});

	it('never looks into another workspace', async () => {
		const other = `w-${randomUUID()}`;
		await createWorkspace(database.db, other, `key-${other}`);
		for (const name of ['film', 'photo', 'song'] as const) await look(await addAsset(duplicateFixture(name), other));
		for (const name of ['film', 'photo', 'song'] as const) expect((await newOne(name)).duplicates).toEqual([]);
	});

	it('keeps what it compares by, once, also when it stops', async () => {
		const rows = async ({ id }: Asset) => database.db.select().from(fingerprints).where(eq(fingerprints.assetId, id));
		await known('film');
		const copy = await addAsset(duplicateFixture('filmSmall'));
		await expect(look(copy, { action: 'stop' })).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/copy \(video, \d+ % alike\)/), details: { duplicates: [{ kind: 'video' }] } });
		expect(await rows(copy)).toHaveLength(12);
		await look(copy);
		expect(await rows(copy)).toHaveLength(12);
		const song = await known('songUnderFilm');
		expect((await rows(song)).map(({ kind }) => kind).filter((kind) => kind === 'sound')).toHaveLength(1);
	});

	it('keeps what it has of the sound when it looks at the picture, and the reverse', async () => {
		const song = await known('songUnderFilm');
		await look(song, { compare: 'picture' });
		expect((await newOne('songMp3')).duplicates).toMatchObject([{ asset_id: song.id, kind: 'sound' }]);
		await look(song, { compare: 'sound' });
		expect((await newOne('thirdFilm')).duplicates).toMatchObject([{ asset_id: song.id, kind: 'video' }]);
	});

	it('stops what came later, not what was there: of two at once one, and no original that is tried again', async () => {
		const [first, second] = [await addAsset(duplicateFixture('photo')), await addAsset(duplicateFixture('photoSmall'))];
		// Both are stored before either is compared.
		for (const one of [first, second]) await look(one);
		await expect(look(second, { action: 'stop' })).rejects.toMatchObject({ code: 'conflict', details: { duplicates: [{ asset_id: first.id, older: true }] } });
		expect(await look(first, { action: 'stop' })).toMatchObject({ is_duplicate: true, duplicates: [{ asset_id: second.id, older: false }] });
		// Of one request: at the same moment.
		const at = new Date();
		const ids = [randomUUID(), randomUUID()].sort();
		const path = duplicateFixture('otherPhoto');
		await insertAssets(database.db, ids.map((id) => ({ id, workspaceId: workspace, source: 'url', status: 'ready' as const, sha256: 'same', createdAt: at })));
		const [one, other] = ids.map((id) => ({ id, path, workspaceId: workspace }));
		await expect(look(one!, { action: 'stop' })).resolves.toMatchObject({ duplicates: [{ older: false }] });
		await expect(look(other!, { action: 'stop' })).rejects.toMatchObject({ code: 'conflict' });
	});

	it('decides what is common by length and likeness', () => {
		const given = { min_similarity: 0.65, min_matched_seconds: 5 };
		const part = { from: 0, to: 5, offsetSeconds: 0, similarity: 0.7, matched: 5 };
		expect(isCommon(part, given, 60, 60, 1)).toBe(true);
		expect(isCommon({ ...part, similarity: 0.6 }, given, 60, 60, 1)).toBe(false);
		expect(isCommon({ ...part, to: 3.5 }, given, 60, 60, 1)).toBe(false);
		// Half of a short one is enough, but then it must be more alike.
		expect(isCommon({ ...part, to: 2, matched: 2 }, given, 4, 60, 1)).toBe(false);
		expect(isCommon({ ...part, to: 2, matched: 2, similarity: 0.9 }, given, 4, 60, 1)).toBe(true);
		expect(isCommon({ ...part, to: 1, matched: 1, similarity: 0.9 }, given, 4, 4, 1)).toBe(false);
		expect(isCommon({ ...part, to: 1, matched: 1, similarity: 0.9 }, given, 1, 1, 1)).toBe(true);
		expect(probesOf([1, 1, 2, 3, 3], 2)).toEqual([1, 2]);
		expect([gridStep(60), gridStep(1800), gridStep(7200)]).toEqual([1, 1, 4]);
	});
});
