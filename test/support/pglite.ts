import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import type { OpenDatabase } from '../../sidecar/src/db/database.ts';
import { openPglite } from '../../sidecar/src/db/open.ts';

/**
 * Making an empty database (initdb) takes two CPU seconds, opening a copy of one less than half a second: one is made per version of
 * the migrations and kept between runs.
 */
const CACHE = join(tmpdir(), 'media-pipeline-tests');
const SIDECAR = fileURLToPath(new URL('../../sidecar/', import.meta.url));

async function template(): Promise<string> {
	const hash = createHash('sha256');
	for (const name of (await readdir(join(SIDECAR, 'migrations'))).filter((one) => one.endsWith('.sql')).sort()) hash.update(name).update(await readFile(join(SIDECAR, 'migrations', name)));
	for (const file of ['src/db/open.ts', 'src/db/tenancy.ts', 'package.json']) hash.update(await readFile(join(SIDECAR, file)));
	const path = join(CACHE, `pglite-${hash.digest('hex').slice(0, 16)}.tar`);
	const made = await stat(path).catch(() => null);
	if (made === null) await make(path);
	return path;
}

/** Several processes may come here at once; each writes a file of its own, and one of them stays. */
async function make(path: string): Promise<void> {
	await mkdir(CACHE, { recursive: true });
	const folder = join(CACHE, `making-${randomUUID()}`);
	await (await openPglite(join(folder, 'database'))).close();
	const client = await PGlite.create(join(folder, 'database'), { extensions: { vector } });
	const part = `${path}.${randomUUID()}`;
	await writeFile(part, Buffer.from(await (await client.dumpDataDir('none')).arrayBuffer()));
	await client.close();
	await rename(part, path);
	await rm(folder, { recursive: true, force: true });
}

/** A fresh embedded database in memory, with all tables. */
export async function openTestDatabase(): Promise<OpenDatabase> {
	return openPglite('memory://', { template: new Blob([await readFile(await template())]) });
}

/** The same as files, for a sidecar that is about to be started on `folder`. One that is there already stays. */
export async function prepareDatabase(folder: string): Promise<void> {
	const found: string[] = await readdir(folder).catch(() => []);
	if (found.length > 0) return;
	await mkdir(folder, { recursive: true });
	await promisify(execFile)('tar', ['-xf', await template(), '-C', folder]);
}
