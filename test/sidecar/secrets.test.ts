import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVault, loadKeys } from '../../sidecar/src/secrets.ts';

describe('the vault', () => {
	it('gives back what was sealed, and never the same text twice', () => {
		const vault = createVault('key one');
		const [first, second] = [vault.seal('a token'), vault.seal('a token')];
		expect(first).not.toBe(second);
		expect(first).not.toContain('a token');
		expect([vault.open(first), vault.open(second)]).toEqual(['a token', 'a token']);
	});

	it('opens nothing that was altered or sealed with another key', () => {
		const vault = createVault('key one');
		const sealed = vault.seal('a token');
		const parts = sealed.split('.');
		parts[3] = Buffer.from('other data').toString('base64url');
		expect(() => vault.open(parts.join('.'))).toThrow();
		expect(() => createVault('key two').open(sealed)).toThrow();
	});
});

describe('the keys', () => {
	let folder: string;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'keys-'));
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));

	it('are made once, kept readable for the owner only, and found again', async () => {
		const first = await loadKeys(folder, {});
		expect(first.generated).toEqual(['API_KEY', 'CALLBACK_SECRET', 'N8N_WEBHOOK_SECRET', 'ENCRYPTION_KEY']);
		expect((await stat(join(folder, 'keys.json'))).mode & 0o777).toBe(0o600);
		const second = await loadKeys(folder, {});
		expect(second).toEqual({ ...first, generated: [] });
	});

	it('come from the environment where it gives them, and are not written down then', async () => {
		const keys = await loadKeys(folder, { API_KEY: 'given-api-key-000', CALLBACK_SECRET: 'given-secret-0000', N8N_WEBHOOK_SECRET: 'given-secret-0001' });
		expect(keys).toMatchObject({ apiKey: 'given-api-key-000', generated: ['ENCRYPTION_KEY'] });
		expect(await readFile(join(folder, 'keys.json'), 'utf8')).not.toContain('given');
	});

	it('are the same for processes that are started for the first time at once', async () => {
		const all = await Promise.all(Array.from({ length: 8 }, () => loadKeys(folder, {})));
		expect(new Set(all.map(({ encryptionKey }) => encryptionKey)).size).toBe(1);
		expect(all.filter(({ generated }) => generated.length > 0)).toHaveLength(1);
		expect(await readdir(folder)).toEqual(['keys.json']);
	});

	it('are added to a file that has some of them already', async () => {
		const { encryptionKey } = await loadKeys(folder, { API_KEY: 'given-api-key-000', CALLBACK_SECRET: 'given-secret-0000' });
		const later = await loadKeys(folder, {});
		expect(later).toMatchObject({ encryptionKey, generated: ['API_KEY', 'CALLBACK_SECRET'] });
		expect(await loadKeys(folder, {})).toEqual({ ...later, generated: [] });
	});

	it('refuse a broken key file instead of making new keys over it', async () => {
		await writeFile(join(folder, 'keys.json'), '{"ENCRYPTION');
		await expect(loadKeys(folder, {})).rejects.toThrow(/keys\.json cannot be read/);
	});
});
