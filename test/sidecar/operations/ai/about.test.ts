import { randomUUID } from 'node:crypto';
import { insertAssets } from '../../../../sidecar/src/db/assets.ts';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { mergeTags } from '../../../../sidecar/src/db/tags.ts';
import { createWorkspace } from '../../../../sidecar/src/db/workspaces.ts';
import { textAbout } from '../../../../sidecar/src/operations/ai/about.ts';
import { openTestDatabase } from '../../../support/pglite.ts';

describe('what an asset says of itself', () => {
	let database: OpenDatabase;
	beforeAll(async () => {
		database = await openTestDatabase();
		await createWorkspace(database.db, 'acme', 'key');
	});
	afterAll(() => database.close());
	const about = async (metadata: Record<string, unknown>, tags: string[] = []): Promise<string> => {
		const asset = { id: randomUUID(), workspaceId: 'acme', source: 'url', status: 'ready' as const, metadata };
		await insertAssets(database.db, [asset]);
		await mergeTags(database.db, asset, tags.map((tag) => ({ tag, source: 'person' })));
		return (await textAbout(database.db, 'acme', asset.id)).text;
	};

	it('is its title, description, tags, file name and metadata, each once, what matters most first', async () => {
		const metadata = { title: 'Green tea', file_name: 'IMG_2031-green tea.final.mp4', campaign: { name: 'Spring', copy: 'green tea' } };
		expect(await about(metadata, ['drink'])).toBe('Green tea. drink. IMG 2031 green tea final. Spring.');
	});

	it('is no link, key or number', async () => {
		expect(await about({ link: 'https://example.com/a', key: 'a'.repeat(60), id: '3f0c9a1e-4c7f-4d0a-9a53-0f5b6c1d2e3f', made: '2026-11-21T19:00:00Z', size: '1080' })).toBe('');
	});

	it('may be a number, where somebody chose it for a title', async () => {
		expect(await about({ title: '1984', size: '1080' })).toBe('1984.');
	});

	it('may be long without a blank, where none are written', async () => {
		const description = '新しい抹茶の淹れ方を初めての方にも分かりやすく丁寧にご紹介しますのでどうぞ最後までごゆっくりとご覧くださいませ皆様のご来店をお待ちしております';
		expect(description.length).toBeGreaterThan(60);
		expect(await about({ description })).toBe(`${description}.`);
	});

	it('is nothing of another workspace', async () => {
		expect(await textAbout(database.db, 'other', randomUUID())).toEqual({ text: '', language: null });
	});
});
