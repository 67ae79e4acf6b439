import { randomUUID } from 'node:crypto';
import { insertAssets } from '../../../sidecar/src/db/assets.ts';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { listTags, mergeTags, plainTag, removeTag, replaceTags } from '../../../sidecar/src/db/tags.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { openTestDatabase } from '../../support/pglite.ts';

describe('the tags of an asset', () => {
	let database: OpenDatabase;
	beforeAll(async () => {
		database = await openTestDatabase();
		await createWorkspace(database.db, 'acme', 'key');
	});
	afterAll(() => database.close());
	const newAsset = async () => {
		const asset = { id: randomUUID(), workspaceId: 'acme', source: 'url', status: 'ready' as const };
		await insertAssets(database.db, [asset]);
		return asset;
	};
	const tagsOf = async (id: string) => (await listTags(database.db, id)).map(({ tag, source, score }) => [tag, source, Math.round(score * 100)]);

	it('keep the more certain of two findings, and what a person said', async () => {
		const asset = await newAsset();
		await mergeTags(database.db, asset, [
			{ tag: 'Dog', source: 'analysis', score: 0.9 },
			{ tag: 'park', source: 'analysis', score: 0.4 },
			{ tag: '#Park', source: 'caption', score: 0.8 },
		]);
		await mergeTags(database.db, asset, [
			{ tag: 'dog', source: 'caption', score: 0.2 },
			{ tag: 'bench', source: 'person' },
		]);
		expect(await tagsOf(asset.id)).toEqual([
			['bench', 'person', 100],
			['dog', 'analysis', 90],
			['park', 'caption', 80],
		]);
		await mergeTags(database.db, asset, [
			{ tag: 'bench', source: 'analysis', score: 1 },
			{ tag: 'dog', source: 'person' },
		]);
		expect(await tagsOf(asset.id)).toEqual([
			['bench', 'person', 100],
			['dog', 'person', 100],
			['park', 'caption', 80],
		]);
		await removeTag(database.db, asset.id, 'Bench ');
		expect((await tagsOf(asset.id)).map(([tag]) => tag)).toEqual(['dog', 'park']);
	});

	it('of one source are replaced by what it says next; those of others stay', async () => {
		const [asset, other] = [await newAsset(), await newAsset()];
		await mergeTags(database.db, asset, [{ tag: 'mine', source: 'person' }]);
		await replaceTags(database.db, other, 'analysis', [{ tag: 'cat', score: 0.7 }]);
		await replaceTags(database.db, asset, 'analysis', [{ tag: 'cat', score: 0.7 }, { tag: 'sofa', score: 0.5 }]);
		await replaceTags(database.db, asset, 'analysis', [{ tag: 'sofa', score: 0.6 }]);
		expect(await tagsOf(asset.id)).toEqual([
			['mine', 'person', 100],
			['sofa', 'analysis', 60],
		]);
		// Less sure than before: that is what it says now.
		await replaceTags(database.db, asset, 'analysis', [{ tag: 'sofa', score: 0.3 }]);
		expect(await tagsOf(asset.id)).toEqual([
			['mine', 'person', 100],
			['sofa', 'analysis', 30],
		]);
		await replaceTags(database.db, asset, 'analysis', []);
		expect(await tagsOf(asset.id)).toEqual([['mine', 'person', 100]]);
		expect(await tagsOf(other.id)).toEqual([['cat', 'analysis', 70]]);
	});

	it('have one form, whatever their script', () => {
		expect(plainTag('  ##Grüner\n Tee ')).toBe('grüner tee');
		expect(plainTag('u\u0308ber')).toBe('über');
		expect(plainTag('חתול')).toBe('חתול');
		expect(plainTag('\u202egod')).toBe('god');
		expect(plainTag('👩‍👩‍👧‍👦'.repeat(100))).toBe('👩‍👩‍👧‍👦'.repeat(80));
		expect(plainTag(' # ')).toBe('');
		// What has no width makes no tag of its own, what joins letters does.
		expect(plainTag('do\u200bg\ufeff')).toBe('dog');
		expect(plainTag('می\u200cخواهم')).toBe('می\u200cخواهم');
	});

	it('are stored however many marks a letter carries', async () => {
		const asset = await newAsset();
		let state = 1;
		// In no order that could be written shorter.
		const marks = Array.from({ length: 5000 }, () => String.fromCodePoint(0x300 + (((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 16) % 112))).join('');
		await mergeTags(database.db, asset, [{ tag: `tag ${marks}`, source: 'caption' }, { tag: 'plain', source: 'caption' }]);
		expect((await tagsOf(asset.id)).map(([tag]) => tag)).toContain('plain');
	});
});
