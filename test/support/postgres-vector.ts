import { execFile, spawn } from 'node:child_process';
import { chmod, chown, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { postgresWithVector } from '../../scripts/lib/pgvector.mjs';
import { freePort } from './sidecar-process.ts';
import type { TestPostgres } from './postgres.ts';

const run = promisify(execFile);

/** Its programs, or why there are none on this machine. */
export async function findPostgresWithVector(): Promise<{ bin: string } | { missing: string }> {
	try {
		return { bin: await postgresWithVector((line) => process.stderr.write(`${line}\n`)) };
	} catch (error) {
		return { missing: (error as Error).message };
	}
}

/** A real Postgres with pgvector, on a free port of the loopback interface, in a temporary folder. */
export async function startPostgresWithVector(bin: string): Promise<TestPostgres> {
	const folder = await mkdtemp(join(tmpdir(), 'postgres-vector-'));
	await chmod(folder, 0o755);
	const port = await freePort();
	const data = join(folder, 'data');
	const as = await servant();
	await mkdir(data, { mode: 0o700 });
	if (as.uid !== undefined && as.gid !== undefined) await chown(data, as.uid, as.gid);
	// That user may not enter the home folder of this one, where the cache is: it gets a copy.
	const programs = as.uid !== undefined && !bin.startsWith('/usr/') ? await copied(bin, folder) : bin;
	const secret = join(folder, 'password');
	await writeFile(secret, 'postgres\n');
	const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' };
	await run(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', secret, '-E', 'UTF8', '--no-sync'], { ...as, env, cwd: folder });
	const server = spawn(join(programs, 'postgres'), ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='], { ...as, env, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
	const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
	let log = '';
	await new Promise<void>((ready, fail) => {
		server.once('error', fail);
		server.once('exit', (code) => fail(new Error(`Postgres ended with ${code}:\n${log}`)));
		server.stderr.on('data', (chunk: Buffer) => {
			log = (log + chunk.toString()).slice(-10_000);
			if (log.includes('ready to accept connections')) ready();
		});
	});
	return {
		url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
		stop: async () => {
			// "Immediate": what it holds is thrown away with the folder.
			server.kill('SIGQUIT');
			await ended;
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** As root, Postgres refuses to run: the user of Debian's own package, else `nobody`, runs it. */
async function servant(): Promise<{ uid?: number; gid?: number }> {
	if (process.getuid?.() !== 0) return {};
	const idOf = async (flag: string): Promise<number> => Number((await run('id', [flag, 'postgres']).catch(() => run('id', [flag, 'nobody']))).stdout);
	return { uid: await idOf('-u'), gid: await idOf('-g') };
}

async function copied(bin: string, folder: string): Promise<string> {
	const root = join(bin, '..', '..', '..', '..', '..');
	await cp(join(root, 'usr'), join(folder, 'usr'), { recursive: true });
	return join(folder, bin.slice(root.length));
}
