import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { toPipelineError } from '../errors.ts';
import { createClamd } from './clamd.ts';
import type { Scanner } from './scanner.ts';

/**
 * The scanner that CLAMD names; null: none. That it does not answer yet is no reason not to start: it may come up later than we do (it reads
 * its signatures for half a minute), and until then nothing is accepted.
 */
export function composeScanner({ CLAMD, CLAMD_MAX_BYTES, MAX_FILE_BYTES }: Pick<Config, 'CLAMD' | 'CLAMD_MAX_BYTES' | 'MAX_FILE_BYTES'>, log: Logger): Scanner | null {
	if (!CLAMD) return null;
	if (CLAMD_MAX_BYTES < MAX_FILE_BYTES) {
		log.warn({ clamd_max_bytes: CLAMD_MAX_BYTES, max_file_bytes: MAX_FILE_BYTES }, 'files larger than CLAMD_MAX_BYTES are refused, because they cannot be scanned: raise the limits in clamd.conf, and CLAMD_MAX_BYTES with them');
	}
	const scanner = createClamd({ address: CLAMD, maxBytes: CLAMD_MAX_BYTES });
	void scanner.ping().catch((error: unknown) => log.warn({ reason: toPipelineError(error).message }, 'the virus scanner does not answer: until it does, nothing is accepted'));
	return scanner;
}
