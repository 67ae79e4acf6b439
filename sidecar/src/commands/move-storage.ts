import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createBackEnds } from '../compose/storage.ts';
import { ConfigError, readConfig } from '../config.ts';
import { openPglite, openPostgres } from '../db/open.ts';
import { moveStorage, type MoveCount } from '../ops/move-storage.ts';

const USAGE = `Moves the files of a workspace to another storage. Every file is compared (size and SHA-256) before the old ones are deleted.

  npm run storage:move -- --workspace default --to s3             moves; may be interrupted, and be run again, at any time
  npm run storage:move -- --workspace default --to s3 --dry-run   says what would be moved

It reads the variables of the sidecar, which must be set for both storages. With DATABASE_URL the sidecars go on working
meanwhile. An embedded database belongs to one process: stop the sidecar before.`;

/** Answers the exit code: 0 moved, 1 not over yet, 2 asked for wrongly. */
export async function moveStorageCommand(environment: Record<string, string | undefined>, flags: readonly string[], print: (text: string) => void): Promise<number> {
	const asked = parse(flags);
	if (!asked) {
		print(USAGE);
		return flags.includes('--help') ? 0 : 2;
	}
	const config = readConfig(environment);
	const dataDir = resolve(config.DATA_DIR);
	const { all } = createBackEnds(config, dataDir);
	const database = config.DATABASE_URL ? await openPostgres({ url: config.DATABASE_URL, schemaName: config.DATABASE_SCHEMA, poolSize: 3 }) : await openPglite(join(dataDir, 'database'));
	let toldAt = 0;
	try {
		const summary = await moveStorage({
			database,
			backends: all,
			standard: config.STORAGE,
			publicFiles: config.PUBLIC_STORAGE ?? null,
			...asked,
			others: database.kind === 'postgres',
			say: print,
			progress(count) {
				if (Date.now() - toldAt < PROGRESS_EVERY_MS) return;
				toldAt = Date.now();
				print(`  ${described(count)} verified`);
			},
		});
		if (asked.dryRun) {
			print(`Would move ${described(summary.verified)} from ${summary.from} to ${summary.to}. Nothing was changed.`);
			return 0;
		}
		print(`${described(summary.verified)} moved from ${summary.from} to ${summary.to} and verified${summary.already > 0 ? ` (${summary.already} were there already)` : ''}; ${summary.deleted} deleted at ${summary.from}.`);
		const { differing, archived } = summary;
		if (archived.length > 0) print(`Not over yet: ${archived.length} file${archived.length === 1 ? ' lies' : 's lie'} in the archive of ${summary.from} and ${archived.length === 1 ? 'was' : 'were'} asked for from there, which takes hours. Run this again then.`);
		if (differing.length > 0) print(`Not over: ${differing.length} file${differing.length === 1 ? ' is' : 's are'} different at ${summary.from} and ${summary.to}, and nothing tells which is right: ${named(differing)}. Nothing of them was deleted. What ${summary.to} has is what is used: look at it, take the wrong one away, and run this again.`);
		if (archived.length + differing.length > 0) return 1;
		if (summary.openUploads === 0) return 0;
		print(`Not over yet: ${summary.openUploads} upload${summary.openUploads === 1 ? '' : 's'} begun before may still arrive at ${summary.from}. Everything works meanwhile; run this again when their links have expired.`);
		return 1;
	} finally {
		await database.close();
	}
}

const PROGRESS_EVERY_MS = 2000;
const MOST_NAMED = 20;

function parse(flags: readonly string[]): { workspaceId: string; to: string; dryRun: boolean } | null {
	try {
		const { values } = parseArgs({ args: [...flags], options: { workspace: { type: 'string' }, to: { type: 'string' }, 'dry-run': { type: 'boolean' } } });
		return values.workspace && values.to ? { workspaceId: values.workspace, to: values.to, dryRun: values['dry-run'] ?? false } : null;
	} catch {
		return null;
	}
}

const named = (keys: readonly string[]): string => keys.slice(0, MOST_NAMED).join(', ') + (keys.length > MOST_NAMED ? ' …' : '');

const described = ({ files, bytes }: MoveCount): string => `${files} file${files === 1 ? '' : 's'} (${(bytes / 1e6).toFixed(1)} MB)`;

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
	moveStorageCommand(process.env, process.argv.slice(2), (text) => process.stdout.write(`${text}\n`)).then(
		(code) => process.exit(code),
		(error: unknown) => {
			process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
			process.exit(error instanceof ConfigError ? 2 : 1);
		},
	);
}
