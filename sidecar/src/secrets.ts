import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Encrypts what must not lie readable in the database: platform tokens, resume URLs, upload handles. */
export interface Vault {
	/** AES-256-GCM with the newest key; the answer is `v2.<key id>.<iv>.<tag>.<data>`, base64url. */
	seal(plain: string): string;
	/** Throws when the text was altered or sealed with a key that this vault does not have. */
	open(sealed: string): string;
	/** Every text that `seal` makes begins so, and no text that another key has sealed. */
	readonly prefix: string;
}

/** 96-bit nonces and 128-bit tags: NIST SP 800-38D, section 5.2.1.1. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

interface VaultKey {
	/** Tells keys apart, and nothing of them: derived with a label of its own. */
	id: string;
	key: Buffer;
}

const derive = (encryptionKey: string, use: string, bytes: number): Buffer => Buffer.from(hkdfSync('sha256', encryptionKey, 'media-pipeline', use, bytes));

const vaultKey = (encryptionKey: string): VaultKey => ({
	id: derive(encryptionKey, 'id of the key', 6).toString('base64url'),
	key: derive(encryptionKey, 'encryption at rest', 32),
});

/** Texts sealed with a previous key can still be opened; new ones are sealed with the newest. */
export function createVault(encryptionKey: string, previousKeys: readonly string[] = []): Vault {
	const newest = vaultKey(encryptionKey);
	const keys = [newest, ...previousKeys.map(vaultKey)];
	return {
		prefix: `v2.${newest.id}.`,
		seal(plain) {
			const iv = randomBytes(IV_BYTES);
			const cipher = createCipheriv('aes-256-gcm', newest.key, iv);
			const data = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
			return ['v2', newest.id, ...[iv, cipher.getAuthTag(), data].map((part) => part.toString('base64url'))].join('.');
		},
		open(sealed) {
			const [version, ...parts] = sealed.split('.');
			// Version 1 does not say which key: it is one of all.
			if (version === 'v1') return openWithAny(keys.map(({ key }) => key), parts);
			const [id, ...rest] = parts;
			if (version !== 'v2' || id === undefined) throw new Error('not a sealed text');
			const key = keys.find((one) => one.id === id);
			if (!key) throw new Error(`sealed with a key (id ${id}) that is neither ENCRYPTION_KEY nor in ENCRYPTION_KEY_PREVIOUS`);
			return openWith(key.key, rest);
		},
	};
}

function openWithAny(keys: readonly Buffer[], parts: readonly string[]): string {
	let failure: unknown;
	for (const key of keys) {
		try {
			return openWith(key, parts);
		} catch (error) {
			failure = error;
		}
	}
	throw failure;
}

function openWith(key: Buffer, [iv, tag, data]: readonly string[]): string {
	if (!iv || !tag || data === undefined) throw new Error('not a sealed text');
	const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: TAG_BYTES });
	decipher.setAuthTag(Buffer.from(tag, 'base64url'));
	return Buffer.concat([decipher.update(Buffer.from(data, 'base64url')), decipher.final()]).toString('utf8');
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

type KeyName = 'API_KEY' | 'CALLBACK_SECRET' | 'N8N_WEBHOOK_SECRET' | 'ENCRYPTION_KEY';

/** Keys that the first start makes when the environment does not give them. */
export interface Keys {
	apiKey: string;
	callbackSecret: string;
	/** n8n's webhooks take the trigger only from who knows it. */
	webhookSecret: string;
	encryptionKey: string;
	/** What open what was sealed and signed before the key was changed. */
	previousEncryptionKeys: string[];
	/** Names of those just made, to be printed once. */
	generated: KeyName[];
}

/** Takes each key from the environment, else from `DATA_DIR/keys.json`, else makes it and writes that file (mode 600). */
export async function loadKeys(
	dataDir: string,
	given: Partial<Record<KeyName, string | undefined>> & { ENCRYPTION_KEY_PREVIOUS?: readonly string[] | string | undefined },
): Promise<Keys> {
	const path = join(dataDir, 'keys.json');
	const found = await readKeys(path);
	const stored = found ?? {};
	const generated: Keys['generated'] = [];
	const take = (name: KeyName, make: () => string): string => {
		const value = given[name] ?? stored[name];
		if (value) return value;
		generated.push(name);
		return (stored[name] = make());
	};
	const keys: Keys = {
		apiKey: take('API_KEY', () => `mp_${randomBytes(24).toString('base64url')}`),
		callbackSecret: take('CALLBACK_SECRET', () => `whsec_${randomBytes(24).toString('base64')}`),
		webhookSecret: take('N8N_WEBHOOK_SECRET', () => `whsec_${randomBytes(24).toString('base64')}`),
		encryptionKey: take('ENCRYPTION_KEY', newEncryptionKey),
		previousEncryptionKeys: [],
		generated,
	};
	keys.previousEncryptionKeys = [...new Set([given.ENCRYPTION_KEY_PREVIOUS ?? [], stored[PREVIOUS] ?? []].flatMap(splitKeys))].filter((key) => key !== keys.encryptionKey);
	if (generated.length === 0 || (await writeKeys(path, stored, found === null))) return keys;
	// Another process that shares the folder (api and worker, both started for the first time) was faster: its keys count.
	return loadKeys(dataDir, given);
}

const newEncryptionKey = (): string => randomBytes(32).toString('base64url');

const PREVIOUS = 'ENCRYPTION_KEY_PREVIOUS';
const splitKeys = (keys: readonly string[] | string): string[] => (typeof keys === 'string' ? keys.split(',') : [...keys]).map((key) => key.trim()).filter(Boolean);

/**
 * A new ENCRYPTION_KEY in `DATA_DIR/keys.json`; the one that was there joins the previous ones. For installations whose key was made by
 * the sidecar. Throws when the file has none.
 */
export async function changeStoredKey(dataDir: string): Promise<void> {
	const path = join(dataDir, 'keys.json');
	const stored = await readKeys(path);
	const current = stored?.['ENCRYPTION_KEY'];
	if (!stored || !current) throw new Error(`${path} holds no ENCRYPTION_KEY to be changed. Is DATA_DIR right? A key from the environment is changed there.`);
	await writeKeys(path, { ...stored, ENCRYPTION_KEY: newEncryptionKey(), [PREVIOUS]: [current, ...splitKeys(stored[PREVIOUS] ?? '')].join(',') }, false);
}

/** Takes the previous keys out of `DATA_DIR/keys.json`: what they sealed cannot be opened any more, and their links end. */
export async function dropStoredKeys(dataDir: string): Promise<number> {
	const path = join(dataDir, 'keys.json');
	const { [PREVIOUS]: previous, ...kept } = (await readKeys(path)) ?? {};
	if (!previous) return 0;
	await writeKeys(path, kept, false);
	return splitKeys(previous).length;
}

/** Group and others may read the keys: their access is taken away. Answers what to tell the operator; null: all was well. */
export async function protectKeys(dataDir: string): Promise<string | null> {
	const path = join(dataDir, 'keys.json');
	// Windows has no such bits.
	if (process.platform === 'win32') return null;
	const found = await stat(path).catch(() => null);
	if (!found || (found.mode & 0o077) === 0) return null;
	const mode = (found.mode & 0o777).toString(8);
	return chmod(path, 0o600).then(
		() => `keys.json could be read by others than its owner (mode ${mode}); it cannot any more. If others use this machine, change the keys.`,
		() => `keys.json can be read by others than its owner (mode ${mode}), and that cannot be changed from here: chmod 600 it.`,
	);
}

/** Whole or not at all, whenever the process dies. False: `first`, and somebody else has written the file meanwhile. */
async function writeKeys(path: string, keys: Record<string, string>, first: boolean): Promise<boolean> {
	await mkdir(dirname(path), { recursive: true });
	const part = `${path}.${randomBytes(6).toString('hex')}`;
	await writeFile(part, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flush: true });
	try {
		await (first ? link(part, path) : rename(part, path));
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw error;
	} finally {
		await rm(part, { force: true });
	}
}

async function readKeys(path: string): Promise<Record<string, string> | null> {
	try {
		return JSON.parse(await readFile(path, 'utf8')) as Record<string, string>;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw new Error(`${path} cannot be read. Restore it from a backup: without it nothing encrypted in the database can be opened.`, { cause: error });
	}
}
