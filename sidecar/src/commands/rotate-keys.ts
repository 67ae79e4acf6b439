import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../config.ts';
import { openPglite, openPostgres } from '../db/open.ts';
import { reseal, type Resealed } from '../db/reseal.ts';
import { changeStoredKey, createVault, dropStoredKeys, loadKeys } from '../secrets.ts';

const USAGE = `Seals everything in the database with the newest ENCRYPTION_KEY, and says when the old one can be dropped.

  npm run keys:rotate                 seals with ENCRYPTION_KEY what ENCRYPTION_KEY_PREVIOUS have sealed; may be run again at any time
  npm run keys:rotate -- --new-key    first makes a new key in DATA_DIR/keys.json (stop the sidecar before)
  npm run keys:rotate -- --drop       then takes the previous keys out of DATA_DIR/keys.json, when nothing needs them any more

It reads the variables of the sidecar. An embedded database belongs to one process: stop the sidecar before.`;

/** What to print, and whether the previous keys may go. */
export function describe(report: readonly Resealed[]): { text: string; complete: boolean } {
	const width = Math.max(...report.map(({ column }) => column.length));
	const lines = report.map(({ column, resealed, unreadable, remaining }) => `  ${column.padEnd(width)}  ${resealed} sealed anew, ${remaining} remaining${unreadable > 0 ? `, ${unreadable} that none of the keys opens` : ''}`);
	const complete = report.every(({ remaining }) => remaining === 0);
	const unreadable = report.some((column) => column.unreadable > 0);
	return {
		complete,
		text: [
			...lines,
			complete
				? 'Nothing in the database needs a previous key any more. Links that were signed with one end when it is dropped: keep it until they have expired (FILE_URL_TTL_SECONDS; links to renditions: as long as was asked for, at most a year).'
				: 'Not done: a process still seals with a previous key. Give every process the new ENCRYPTION_KEY, and run this again.',
			...(unreadable ? ['What none of the keys opens was sealed with a key that is not given. If you still have it, add it to ENCRYPTION_KEY_PREVIOUS and run this again.'] : []),
		].join('\n'),
	};
}

/** Answers the exit code. */
export async function rotateKeys(environment: Record<string, string | undefined>, flags: readonly string[], print: (text: string) => void): Promise<number> {
	const unknown = flags.find((flag) => flag !== '--new-key' && flag !== '--drop');
	if (unknown !== undefined) {
		print(USAGE);
		return unknown === '--help' ? 0 : 2;
	}
	const config = readConfig(environment);
	const dataDir = resolve(config.DATA_DIR);
	const fromEnvironment = config.ENCRYPTION_KEY !== undefined;
	if (flags.includes('--new-key') && fromEnvironment) {
		print('ENCRYPTION_KEY comes from the environment: put the new one there, and the old one into ENCRYPTION_KEY_PREVIOUS.');
		return 2;
	}
	if (!fromEnvironment && !existsSync(join(dataDir, 'keys.json'))) {
		print(`There is no ENCRYPTION_KEY, neither in the environment nor in ${join(dataDir, 'keys.json')}. Is DATA_DIR right?`);
		return 2;
	}
	const database = config.DATABASE_URL ? await openPostgres({ url: config.DATABASE_URL, schemaName: config.DATABASE_SCHEMA, poolSize: 2 }) : await openPglite(join(dataDir, 'database'));
	try {
		// Only now: whoever cannot open the database (a sidecar still runs on it) has changed nothing.
		if (flags.includes('--new-key')) await changeStoredKey(dataDir);
		const keys = await loadKeys(dataDir, config);
		const { text, complete } = describe(await reseal(database.db, createVault(keys.encryptionKey, keys.previousEncryptionKeys)));
		print(text);
		if (complete && flags.includes('--drop')) {
			const dropped = await dropStoredKeys(dataDir);
			print(dropped > 0 ? `${dropped} previous key${dropped === 1 ? ' was' : 's were'} taken out of keys.json.` : 'keys.json has no previous keys.');
		}
		return complete ? 0 : 1;
	} finally {
		await database.close();
	}
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
	rotateKeys(process.env, process.argv.slice(2), (text) => process.stdout.write(`${text}\n`)).then(
		(code) => process.exit(code),
		(error: unknown) => {
			process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
			process.exit(1);
		},
	);
}
