import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './pipeline.ts';

/** The test file of the European Institute for Computer Anti-Virus Research: harmless, and found by every scanner. In two parts, so that no scanner takes this file for it. */
export const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('');
/** What the signatures below call it. */
export const EICAR_NAME = 'Test.Eicar.UNOFFICIAL';

export interface TestClamd {
	/** Path of its socket, for CLAMD. */
	socket: string;
	/** Ends it, as if the machine had lost it; the socket stays where it was. */
	stop(): Promise<void>;
	/** Starts it again with the same configuration. */
	start(): Promise<void>;
	/** Ends it and removes its folder. */
	close(): Promise<void>;
}

/**
 * Debian's clamd, in a folder of its own, with signatures of our own: the official ones are hundreds of MB and need the internet.
 * @param settings further lines of clamd.conf, e.g. `{ StreamMaxLength: '1M' }`
 */
export async function startClamd(settings: Record<string, string> = {}): Promise<TestClamd> {
	const folder = await mkdtemp(join(tmpdir(), 'clamd-'));
	const database = join(folder, 'database');
	const socket = join(folder, 'clamd.sock');
	await mkdir(database);
	// name:type (0: any):offset (*: anywhere):hex. So it is found also at the end of a video.
	await writeFile(join(database, 'test.ndb'), `Test.Eicar:0:*:${Buffer.from(EICAR).toString('hex')}\n`);
	const lines = { LocalSocket: socket, DatabaseDirectory: database, Foreground: 'yes', LogFile: join(folder, 'clamd.log'), PidFile: join(folder, 'clamd.pid'), MaxThreads: '4', ConcurrentDatabaseReload: 'no', AlertExceedsMax: 'yes', ...settings };
	const config = join(folder, 'clamd.conf');
	await writeFile(config, Object.entries(lines).map(([name, value]) => `${name} ${value}\n`).join(''));
	const program = ['/usr/sbin/clamd', '/usr/local/sbin/clamd', '/opt/homebrew/sbin/clamd'].find((path) => existsSync(path));
	if (!program) throw new Error('clamd is not installed: apt-get install clamav-daemon');
	let running: { stop(): Promise<void> } | null = null;
	const start = async (): Promise<void> => {
		const child = spawn(program, ['--config-file', config], { stdio: 'ignore' });
		const ended = once(child, 'exit');
		running = {
			stop: async () => {
				running = null;
				if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
				await ended;
			},
		};
		await until(async () => {
			if (child.exitCode !== null) throw new Error(`clamd ended with ${child.exitCode}: see ${folder}/clamd.log`);
			return answers(socket);
		}, 'clamd answers');
	};
	await start();
	return {
		socket,
		start,
		stop: async () => running?.stop(),
		close: async () => {
			await running?.stop();
			await rm(folder, { recursive: true, force: true });
		},
	};
}

const answers = (path: string): Promise<boolean> =>
	new Promise((done) => {
		const socket = createConnection(path, () => socket.write('zPING\0'));
		socket.on('data', () => {
			done(true);
			socket.destroy();
		});
		socket.on('error', () => done(false));
		socket.on('close', () => done(false));
	});
