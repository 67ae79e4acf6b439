import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Database } from '../db/database.ts';
import { reseal } from '../db/reseal.ts';
import { createVault, loadKeys, protectKeys, type Keys, type Vault } from '../secrets.ts';
import { deriveSigningKey, type SigningKey } from '../storage/signed-url.ts';

export interface ComposedKeys {
	keys: Keys;
	vault: Vault;
	signingKey: SigningKey;
	/** Seals with the newest key what previous ones have sealed, beside the work. Ends with `stop`, to be gone on with at the next start. */
	startResealing(db: Database): { stop(): Promise<void> };
}

/** The keys, and what is made of them. */
export async function composeKeys(dataDir: string, config: Config, log: Logger): Promise<ComposedKeys> {
	const keys = await loadKeys(dataDir, config);
	const exposed = await protectKeys(dataDir);
	if (exposed) log.warn(exposed);
	const vault = createVault(keys.encryptionKey, keys.previousEncryptionKeys);
	return {
		keys,
		vault,
		signingKey: deriveSigningKey(keys.encryptionKey, keys.previousEncryptionKeys),
		startResealing(db) {
			if (keys.previousEncryptionKeys.length === 0) return { stop: async () => {} };
			const stopping = new AbortController();
			const done = reseal(db, vault, { signal: stopping.signal }).then(
				(report) => {
					const total = (what: 'resealed' | 'unreadable' | 'remaining') => report.reduce((sum, column) => sum + column[what], 0);
					log.info({ resealed: total('resealed'), unreadable: total('unreadable'), remaining: total('remaining') }, 'texts of previous keys were sealed with ENCRYPTION_KEY');
				},
				(error: unknown) => log.error({ err: error }, 'texts of previous keys could not all be sealed anew; the next start goes on'),
			);
			return {
				stop: async () => {
					stopping.abort();
					await done;
				},
			};
		},
	};
}
