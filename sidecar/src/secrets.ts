import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

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

/** Keys that the first start makes when the environment does not give them. */
export interface Keys {
	apiKey: string;
	callbackSecret: string;
	encryptionKey: string;
	/** Names of those just made, to be printed once. */
	generated: Array<'API_KEY' | 'CALLBACK_SECRET' | 'ENCRYPTION_KEY'>;
}

/** Takes each key from the environment, else from `DATA_DIR/keys.json`, else makes it and writes that file (mode 600). */
export async function loadKeys(
	dataDir: string,
	given: { API_KEY?: string | undefined; CALLBACK_SECRET?: string | undefined; ENCRYPTION_KEY?: string | undefined },
): Promise<Keys> {
	const path = join(dataDir, 'keys.json');
	const stored = await readKeys(path);
	const generated: Keys['generated'] = [];
	const take = (name: 'API_KEY' | 'CALLBACK_SECRET' | 'ENCRYPTION_KEY', make: () => string): string => {
		const value = given[name] ?? stored[name];
		if (value) return value;
		generated.push(name);
		return (stored[name] = make());
	};
	const keys: Keys = {
		apiKey: take('API_KEY', () => `mp_${randomBytes(24).toString('base64url')}`),
		callbackSecret: take('CALLBACK_SECRET', () => `whsec_${randomBytes(24).toString('base64')}`),
		encryptionKey: take('ENCRYPTION_KEY', () => randomBytes(32).toString('base64url')),
		generated,
	};
	if (generated.length > 0) {
		await mkdir(dataDir, { recursive: true });
		await writeFile(path, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600 });
	}
	return keys;
}

async function readKeys(path: string): Promise<Record<string, string>> {
	try {
		return JSON.parse(await readFile(path, 'utf8')) as Record<string, string>;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
		throw new Error(`${path} cannot be read. Restore it from a backup: without it nothing encrypted in the database can be opened.`, { cause: error });
	}
}
