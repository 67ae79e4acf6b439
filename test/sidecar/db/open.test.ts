import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPglite } from '../../../sidecar/src/db/open.ts';
import { createWorkspace, workspaceOfKey } from '../../../sidecar/src/db/workspaces.ts';

const OPEN = fileURLToPath(new URL('../../../sidecar/src/db/open.ts', import.meta.url));

describe('the embedded database', () => {
	let folder: string;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'database-'));
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));

	it('keeps what was written, over a restart', async () => {
		const first = await openPglite(join(folder, 'database'));
		await createWorkspace(first.db, 'acme', 'the-key');
		await first.close();
		const second = await openPglite(join(folder, 'database'));
		expect(await workspaceOfKey(second.db, 'the-key')).toBe('acme');
		expect(await workspaceOfKey(second.db, 'another-key')).toBeNull();
		await second.close();
	});

	it('refuses a second process with a sentence, and is free again when the first one was killed', async () => {
		const holder = spawn(process.execPath, ['--input-type=module', '-e', `const { openPglite } = await import(${JSON.stringify(OPEN)}); await openPglite(${JSON.stringify(join(folder, 'database'))}); console.log('open'); setInterval(() => {}, 1000);`], {
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		await once(holder.stdout, 'data');
		await expect(openPglite(join(folder, 'database'))).rejects.toThrow(/Another sidecar is already running[\s\S]*DATABASE_URL/);
		const gone = once(holder, 'exit');
		holder.kill('SIGKILL');
		await gone;
		await (await openPglite(join(folder, 'database'))).close();
	});
});
