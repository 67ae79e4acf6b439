import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareDatabase } from './pglite.ts';

const MAIN = fileURLToPath(new URL('../../sidecar/src/main.ts', import.meta.url));

export const API_KEY = 'test-api-key-0123456789';

export interface SidecarProcess {
	url: string;
	pid: number;
	/** What it logged so far. */
	log(): string;
	call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
	/** Default SIGTERM. Resolves when it is gone. */
	kill(signal?: NodeJS.Signals): Promise<void>;
}

/** The sidecar as a process of its own, on a given port, so that it can be killed and started again in the same place. */
export async function spawnSidecar(environment: Record<string, string>): Promise<SidecarProcess> {
	const port = environment['PORT'] ?? String(await freePort());
	if (environment['DATA_DIR'] && !environment['DATABASE_URL']) await prepareDatabase(join(environment['DATA_DIR'], 'database'));
	const child: ChildProcess = spawn(process.execPath, [MAIN], {
		env: { PATH: process.env['PATH'], HOST: '127.0.0.1', API_KEY, CALLBACK_SECRET: 'whsec_dGVzdC1zZWNyZXQtdGVzdC1zZWNyZXQ=', API_REQUESTS_PER_MINUTE: '1000000', ...environment, PORT: port },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const gone = once(child, 'exit');
	let log = '';
	let up = (): void => {};
	const started = new Promise<void>((resolve) => (up = resolve));
	for (const stream of [child.stdout, child.stderr]) {
		stream?.setEncoding('utf8').on('data', (text: string) => {
			log += text;
			if (log.includes('the sidecar is up')) up();
		});
	}
	await Promise.race([started, gone.then(() => Promise.reject(new Error(`the sidecar ended at once:\n${log}`)))]);
	const url = `http://127.0.0.1:${port}`;
	return {
		url,
		pid: child.pid as number,
		log: () => log,
		async call(method, path, body) {
			const response = await fetch(`${url}${path}`, {
				method,
				headers: { authorization: `Bearer ${API_KEY}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
				...(body === undefined ? {} : { body: JSON.stringify(body) }),
			});
			return (await response.json()) as Record<string, unknown>;
		},
		async kill(signal = 'SIGTERM') {
			child.kill(signal);
			await gone;
		},
	};
}

export function freePort(): Promise<number> {
	return new Promise((resolve, reject) => {
		const server = createServer();
		server.once('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const address = server.address();
			server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
		});
	});
}
