import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rotateKeys } from '../../../sidecar/src/commands/rotate-keys.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

let folder: string;
let sidecar: TestSidecar | undefined;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'rotate-'));
});
afterEach(async () => {
	await sidecar?.close();
	sidecar = undefined;
	await rm(folder, { recursive: true, force: true });
});

const start = async (environment: Record<string, string> = {}): Promise<TestSidecar> => (sidecar = await startTestSidecar({ DATA_DIR: folder, ...environment }));
const stop = async (): Promise<void> => {
	await sidecar?.close();
	sidecar = undefined;
};
const rotate = async (...flags: string[]): Promise<{ code: number; said: string }> => {
	let said = '';
	const code = await rotateKeys({ DATA_DIR: folder }, flags, (text) => (said += `${text}\n`));
	return { code, said };
};
const stored = async (): Promise<Record<string, string>> => JSON.parse(await readFile(join(folder, 'keys.json'), 'utf8')) as Record<string, string>;
/** An upload link and a webhook: one signed, one sealed with the key of that time. */
async function leaveSomething(from: TestSidecar): Promise<{ link: string; webhook: string }> {
	const { body: signed } = await from.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: 1, mime_type: 'video/mp4' });
	const { body: webhook } = await from.call('POST', '/api/media/webhooks', { url: 'http://127.0.0.1:9/secret-path', events: ['job.completed'] });
	const { pathname, search } = new URL(signed.upload_url);
	expect((webhook as { id?: string }).id).toBeDefined();
	return { link: `${pathname}${search}`, webhook: (webhook as unknown as { id: string }).id };
}
const ALLOWED = { ALLOWED_PRIVATE_HOSTS: '127.0.0.1:9' };
const statusOf = async (from: TestSidecar, method: string, path: string): Promise<number> => (await fetch(`${from.url}${path}`, { method, body: 'x' })).status;

/** Empty when what was sealed cannot be opened. */
const urlOf = async (from: TestSidecar, webhook: string): Promise<string> => (await from.call('GET', `/api/media/webhooks/${webhook}`)).body.url;

describe('changing the key', () => {
	it('keeps links and sealed texts, and drops the old key only when nothing needs it', async () => {
		const { link, webhook } = await leaveSomething(await start(ALLOWED));
		const { ENCRYPTION_KEY: first } = await stored();
		await stop();

		const { code, said } = await rotate('--new-key');
		expect([code, said]).toEqual([0, expect.stringMatching(/webhooks\.secret +1 sealed anew, 0 remaining/)]);
		expect(await stored()).toMatchObject({ ENCRYPTION_KEY: expect.not.stringContaining(first ?? '?'), ENCRYPTION_KEY_PREVIOUS: first });
		const rotated = await start(ALLOWED);
		expect(await statusOf(rotated, 'PUT', link)).toBe(201);
		expect(await urlOf(rotated, webhook)).toBe('http://127.0.0.1:9/secret-path');
		await stop();

		expect(await rotate('--drop')).toMatchObject({ code: 0, said: expect.stringContaining('1 previous key was taken out') });
		expect((await stored())['ENCRYPTION_KEY_PREVIOUS']).toBeUndefined();
		const without = await start(ALLOWED);
		// The text was sealed anew; the link was signed with the key that is gone.
		expect(await urlOf(without, webhook)).toBe('http://127.0.0.1:9/secret-path');
		expect(await statusOf(without, 'PUT', link)).toBe(403);
	});

	it('seals anew by itself at the start of a sidecar that is told the previous key', async () => {
		const [old, fresh] = ['the first key from outside', 'the second key from outside'];
		const { webhook } = await leaveSomething(await start({ ...ALLOWED, ENCRYPTION_KEY: old }));
		await stop();
		await start({ ...ALLOWED, ENCRYPTION_KEY: fresh, ENCRYPTION_KEY_PREVIOUS: old });
		// It ends with the sidecar: whatever it has not done, the command does.
		await stop();
		const { code } = await rotateWith({ ENCRYPTION_KEY: fresh, ENCRYPTION_KEY_PREVIOUS: old });
		expect(code).toBe(0);
		const without = await start({ ...ALLOWED, ENCRYPTION_KEY: fresh });
		expect(await urlOf(without, webhook)).toBe('http://127.0.0.1:9/secret-path');
	});

	it('is refused while a sidecar runs on the embedded database, and changes nothing', async () => {
		await start();
		const before = await stored();
		await expect(rotate('--new-key')).rejects.toThrow(/already running/);
		expect(await stored()).toEqual(before);
	});

	it('is refused where there is nothing to be changed', async () => {
		expect(await rotate('--new-key')).toMatchObject({ code: 2, said: expect.stringContaining('Is DATA_DIR right?') });
		expect((await rotateWith({ ENCRYPTION_KEY: 'a key from outside' }, '--new-key')).code).toBe(2);
		expect((await rotate('--nonsense')).code).toBe(2);
	});
});

async function rotateWith(environment: Record<string, string>, ...flags: string[]): Promise<{ code: number }> {
	return { code: await rotateKeys({ DATA_DIR: folder, ...environment }, flags, () => {}) };
}
