import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Encrypts what must not lie readable in the database: platform tokens, resume URLs, upload handles. */
export interface Vault {
	/** AES-256-GCM; the answer is `v1.<iv>.<tag>.<data>`, base64url. */
	seal(plain: string): string;
	/** Throws when the text was altered or sealed with another key. */
	open(sealed: string): string;
}

/** 96-bit nonces and 128-bit tags: NIST SP 800-38D, section 5.2.1.1. */
const IV_BYTES = 12;

export function createVault(encryptionKey: string): Vault {
	const key = Buffer.from(hkdfSync('sha256', encryptionKey, 'media-pipeline', 'encryption at rest', 32));
	return {
		seal(plain) {
			const iv = randomBytes(IV_BYTES);
			const cipher = createCipheriv('aes-256-gcm', key, iv);
			const data = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
			return ['v1', iv, cipher.getAuthTag(), data].map((part) => (typeof part === 'string' ? part : part.toString('base64url'))).join('.');
		},
		open(sealed) {
			const [version, iv, tag, data] = sealed.split('.');
			if (version !== 'v1' || !iv || !tag || data === undefined) throw new Error('not a sealed text');
			const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'));
			decipher.setAuthTag(Buffer.from(tag, 'base64url'));
			return Buffer.concat([decipher.update(Buffer.from(data, 'base64url')), decipher.final()]).toString('utf8');
		},
	};
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
	/** Names of those just made, to be printed once. */
	generated: KeyName[];
}

/** Takes each key from the environment, else from `DATA_DIR/keys.json`, else makes it and writes that file (mode 600). */
export async function loadKeys(
	dataDir: string,
	given: Partial<Record<KeyName, string | undefined>>,
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
		encryptionKey: take('ENCRYPTION_KEY', () => randomBytes(32).toString('base64url')),
		generated,
	};
	if (generated.length === 0 || (await writeKeys(path, stored, found === null))) return keys;
	// Another process that shares the folder (api and worker, both started for the first time) was faster: its keys count.
	return loadKeys(dataDir, given);
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
