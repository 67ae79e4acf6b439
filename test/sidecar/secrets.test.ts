import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeStoredKey, createVault, dropStoredKeys, loadKeys, protectKeys } from '../../sidecar/src/secrets.ts';

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
		parts[4] = Buffer.from('other data').toString('base64url');
		expect(() => vault.open(parts.join('.'))).toThrow();
		expect(() => createVault('key two').open(sealed)).toThrow(/neither ENCRYPTION_KEY nor in ENCRYPTION_KEY_PREVIOUS/);
	});

	it('opens what previous keys have sealed, and seals with the newest', () => {
		const rotated = createVault('key three', ['key two', 'key one']);
		expect(rotated.open(createVault('key one').seal('a token'))).toBe('a token');
		const fresh = rotated.seal('another');
		expect(fresh.startsWith(rotated.prefix)).toBe(true);
		expect(createVault('key three').open(fresh)).toBe('another');
		expect(() => createVault('key two').open(fresh)).toThrow();
		expect(rotated.prefix).not.toBe(createVault('key two').prefix);
	});

	it('opens texts of the first version, which do not say with which key they were sealed', () => {
		// Sealed by that version with "key one".
		const sealed = 'v1.-K03i2_XgAto7pr5.NpQOvPEhWftZOiuYj5ebcg.SgVyoAlwLA';
		expect([createVault('key one').open(sealed), createVault('key two', ['key zero', 'key one']).open(sealed)]).toEqual(['a token', 'a token']);
		expect(() => createVault('key two').open(sealed)).toThrow();
	});

	it('takes no shortened tag for the whole one', () => {
		const parts = createVault('key one').seal('a token').split('.');
		parts[3] = Buffer.from(parts[3] ?? '', 'base64url').subarray(0, 4).toString('base64url');
		expect(() => createVault('key one').open(parts.join('.'))).toThrow();
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

	it('are taken from those who are not their owner', async () => {
		await loadKeys(folder, {});
		expect(await protectKeys(folder)).toBeNull();
		await chmod(join(folder, 'keys.json'), 0o644);
		expect(await protectKeys(folder)).toContain('mode 644');
		expect((await stat(join(folder, 'keys.json'))).mode & 0o777).toBe(0o600);
	});

	it('are changed in their file, the one before staying behind as a previous one until it is dropped', async () => {
		const first = await loadKeys(folder, {});
		await changeStoredKey(folder);
		const second = await loadKeys(folder, {});
		expect(second.encryptionKey).not.toBe(first.encryptionKey);
		expect({ ...second, encryptionKey: '', previousEncryptionKeys: [] }).toEqual({ ...first, encryptionKey: '', generated: [] });
		await changeStoredKey(folder);
		const third = await loadKeys(folder, { ENCRYPTION_KEY_PREVIOUS: ['one more key, from outside'] });
		expect(third.previousEncryptionKeys).toEqual(['one more key, from outside', second.encryptionKey, first.encryptionKey]);
		expect((await stat(join(folder, 'keys.json'))).mode & 0o777).toBe(0o600);
		expect([await dropStoredKeys(folder), await dropStoredKeys(folder)]).toEqual([2, 0]);
		expect(await loadKeys(folder, {})).toEqual({ ...third, previousEncryptionKeys: [] });
	});

	it('are not changed where there are none', async () => {
		await expect(changeStoredKey(folder)).rejects.toThrow(/holds no ENCRYPTION_KEY/);
	});
});
