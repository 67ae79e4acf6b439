import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from './sidecar-process.ts';

export interface Nginx {
	url: string;
	/** Processes: the master and its worker. */
	pids: number[];
	close(): Promise<void>;
}

/**
 * A real nginx with one worker, in a folder of its own on a free port. `server`: what stands in its `server` block. The folder that it
 * serves must be readable for it: it runs as whoever starts it.
 */
export async function startNginx(folder: string, server: string): Promise<Nginx> {
	await mkdir(join(folder, 'logs'), { recursive: true });
	const port = await freePort();
	const conf = join(folder, 'nginx.conf');
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(folder, name)};`).join(' ');
	await writeFile(
		conf,
		`${process.getuid?.() === 0 ? 'user root;' : ''} worker_processes 1; daemon off; pid ${join(folder, 'nginx.pid')}; error_log ${join(folder, 'logs/error.log')};
events { worker_connections 512; }
http { ${temporary} access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types { video/mp4 mp4; } default_type application/octet-stream;
server { listen 127.0.0.1:${port};
${server}
} }\n`,
	);
	const child = spawn(await binary(), ['-c', conf, '-p', folder, '-e', join(folder, 'logs/error.log')], { stdio: ['ignore', 'ignore', 'pipe'] });
	let said = '';
	child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
	const gone = once(child, 'exit');
	const pid = child.pid as number;
	while (!(await answers(port))) {
		if (child.exitCode !== null) throw new Error(`nginx ended at once: ${said}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	return {
		url: `http://127.0.0.1:${port}`,
		pids: [pid, ...(await childrenOf(pid))],
		close: async () => {
			child.kill('SIGQUIT');
			child.kill('SIGTERM');
			await gone;
		},
	};
}

/** Debian keeps it where only root's PATH leads. */
async function binary(): Promise<string> {
	const found = await access('/usr/sbin/nginx').then(
		() => true,
		() => false,
	);
	return found ? '/usr/sbin/nginx' : 'nginx';
}

const answers = (port: number): Promise<boolean> =>
	new Promise((resolve) => {
		const socket = connect(port, '127.0.0.1')
			.once('connect', () => {
				socket.destroy();
				resolve(true);
			})
			.once('error', () => resolve(false));
	});

async function childrenOf(pid: number): Promise<number[]> {
	const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
	const lists = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')));
	return lists.flatMap((text) => text.split(/\s+/).filter(Boolean).map(Number));
}
