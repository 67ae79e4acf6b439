import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createFetchSource } from '../../../sidecar/src/sources/fetch-source.ts';
import { startGoogleDrive, type DriveEmulator } from '../../platforms/google-drive.ts';
import { sourceSettings } from '../../support/sources.ts';

const CONTENT = randomBytes(200_000);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

describe('Google Drive as a source', () => {
	let folder: string;
	let drive: DriveEmulator;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'drive-'));
		drive = await startGoogleDrive();
		drive.files.set('file-1', { name: 'My clip.mp4', mimeType: 'video/mp4', content: CONTENT });
	});
	afterEach(async () => {
		await drive.close();
		await rm(folder, { recursive: true, force: true });
	});
	const fetchFile = (
		id = 'file-1',
		{
			token = 'valid-token',
			maxBytes = 1_000_000,
			signal = new AbortController().signal,
			progress = [] as number[],
		} = {},
	) =>
		createFetchSource(sourceSettings({ maxBytes, googleApiBaseUrl: drive.url }))({
			place: { type: 'google_drive', file_id: id },
			secrets: token ? { access_token: token } : {},
			destPath: join(folder, 'file'),
			signal,
			onProgress: (percent) => progress.push(percent),
		});

	it('brings the file with its name, type and hash', async () => {
		const progress: number[] = [];
		expect(await fetchFile('file-1', { progress })).toEqual({
			bytes: 200_000,
			sha256: SHA256,
			contentType: 'video/mp4',
			fileName: 'My clip.mp4',
		});
		expect(await readFile(join(folder, 'file'))).toEqual(CONTENT);
		expect(progress.at(-1)).toBe(100);
		expect(drive.counts).toMatchObject({ metadata: 1, media: 1 });
	});

	it('goes on where a broken connection stopped', async () => {
		drive.cutAfter = 80_000;
		expect(await fetchFile()).toMatchObject({ bytes: 200_000, sha256: SHA256 });
		expect(drive.ranges.length).toBeGreaterThan(1);
		expect(drive.ranges[0]).toBeUndefined();
		for (const range of drive.ranges.slice(1)) expect(range).toMatch(/^bytes=[1-9]\d*-$/);
	});

	it('begins anew when Drive knows no checksum to hold the parts together', async () => {
		drive.files.set('file-1', { name: 'x.mp4', mimeType: 'video/mp4', content: CONTENT, noChecksum: true });
		drive.cutAfter = 80_000;
		await expect(fetchFile()).rejects.toMatchObject({ code: 'input_unreachable' });
		expect(new Set(drive.ranges)).toEqual(new Set([undefined]));
	});

	it('compares the checksum that Drive names: SHA-256, or MD5 of files from long ago', async () => {
		const file = { name: 'x.mp4', mimeType: 'video/mp4', content: CONTENT };
		drive.files.set('file-1', { ...file, claimedSha256: '0'.repeat(64) });
		await expect(fetchFile()).rejects.toMatchObject({ code: 'input_unreachable', message: expect.stringContaining('changed') });
		drive.files.set('file-1', { ...file, onlyMd5: '0'.repeat(32) });
		await expect(fetchFile()).rejects.toMatchObject({ code: 'input_unreachable', message: expect.stringContaining('changed') });
		drive.files.set('file-1', { ...file, onlyMd5: true });
		drive.cutAfter = 80_000;
		expect(await fetchFile()).toMatchObject({ sha256: SHA256 });
		expect(drive.ranges.length).toBeGreaterThan(1);
	});

	it('notices a file that changed between metadata and content', async () => {
		const changed = fetchFile('file-1', {
			progress: Object.assign([], { push: () => 0 }),
		});
		drive.failures.push({ status: 503, when: 'media' });
		await expect(changed).rejects.toMatchObject({ code: 'input_unreachable' });
		const file = { name: 'x.mp4', mimeType: 'video/mp4', content: CONTENT };
		drive.files.set(
			'file-1',
			new Proxy(file, {
				get: (target, key) =>
					key === 'content' && drive.counts.media > 1 ? Buffer.alloc(200_000) : Reflect.get(target, key),
			}),
		);
		await expect(fetchFile()).rejects.toMatchObject({
			code: 'input_unreachable',
			message: expect.stringContaining('changed'),
		});
	});

	it('sees files of shared drives', async () => {
		drive.files.set('shared', { name: 's.mp4', mimeType: 'video/mp4', content: CONTENT, shared: true });
		expect(await fetchFile('shared')).toMatchObject({ sha256: SHA256 });
	});

	it('follows a shortcut to its file, but not in a circle', async () => {
		drive.files.set('link', { name: 'link', mimeType: 'application/vnd.google-apps.shortcut', shortcutTo: 'file-1' });
		expect(await fetchFile('link')).toMatchObject({ sha256: SHA256, fileName: 'My clip.mp4' });
		drive.files.set('circle', {
			name: 'circle',
			mimeType: 'application/vnd.google-apps.shortcut',
			shortcutTo: 'circle',
		});
		await expect(fetchFile('circle')).rejects.toMatchObject({ code: 'input_unsupported' });
	});

	it('refuses a file that is too large before a byte of it comes', async () => {
		await expect(fetchFile('file-1', { maxBytes: 100_000 })).rejects.toMatchObject({
			code: 'input_too_large',
			message: expect.stringContaining('MAX_FILE_BYTES'),
		});
		expect(drive.counts.media).toBe(0);
	});

	it('cuts a file off that is larger than its metadata said', async () => {
		drive.files.set('liar', {
			name: 'x.mp4',
			mimeType: 'video/mp4',
			content: CONTENT,
			claimedSize: 10,
			noChecksum: true,
		});
		await expect(fetchFile('liar', { maxBytes: 100_000 })).rejects.toMatchObject({ code: 'input_too_large' });
		expect(await readdir(folder)).toEqual([]);
	});

	it.each([
		['application/vnd.google-apps.document', /Google document/],
		['application/vnd.google-apps.folder', /folder/],
	])('refuses %s in plain words', async (mimeType, words) => {
		drive.files.set('doc', { name: 'Plan', mimeType });
		await expect(fetchFile('doc')).rejects.toMatchObject({
			code: 'input_unsupported',
			message: expect.stringMatching(words),
		});
		expect(drive.counts.media).toBe(0);
	});

	it('says so when the owner forbids downloads, or the file is in the bin', async () => {
		drive.files.set('locked', { name: 'l.mp4', mimeType: 'video/mp4', content: CONTENT, canDownload: false });
		await expect(fetchFile('locked')).rejects.toMatchObject({ code: 'input_forbidden' });
		drive.files.set('bin', { name: 'b.mp4', mimeType: 'video/mp4', content: CONTENT, trashed: true });
		await expect(fetchFile('bin')).rejects.toMatchObject({
			code: 'input_not_found',
			message: expect.stringContaining('bin'),
		});
	});

	it('asks for a new connection of the account when the token is refused, and never shows the token', async () => {
		const error: unknown = await fetchFile('file-1', { token: 'expired-token-123' }).catch((caught: unknown) => caught);
		expect(error).toMatchObject({ code: 'needs_reauth', retryable: false });
		expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('expired-token-123');
		await expect(fetchFile('file-1', { token: '' })).rejects.toMatchObject({ code: 'needs_reauth' });
	});

	it('asks for a new connection when the token expires in the middle', async () => {
		drive.cutAfter = 80_000;
		drive.files.set('file-1', {
			name: 'x.mp4',
			mimeType: 'video/mp4',
			get content() {
				if (drive.counts.media > 0) drive.tokens.clear();
				return CONTENT;
			},
		});
		await expect(fetchFile()).rejects.toMatchObject({ code: 'needs_reauth' });
		expect(await readdir(folder)).toEqual([]);
	});

	it.each([
		[403, 'userRateLimitExceeded', 'input_unreachable', true],
		[403, 'rateLimitExceeded', 'input_unreachable', true],
		[429, 'rateLimitExceeded', 'input_unreachable', true],
		[500, 'backendError', 'input_unreachable', true],
		[503, 'backendError', 'input_unreachable', true],
		[403, 'insufficientFilePermissions', 'input_forbidden', false],
		[403, 'downloadQuotaExceeded', 'input_forbidden', false],
		[404, 'notFound', 'input_not_found', false],
		[400, 'invalid', 'input_not_found', false],
	])('a %i (%s) is %s, in either call', async (status, reason, code, retryable) => {
		for (const when of ['metadata', 'media'] as const) {
			drive.failures.push({ status, reason, when, retryAfter: '9' });
			await expect(fetchFile()).rejects.toMatchObject({
				code,
				retryable,
				...(retryable ? { retryAfterSeconds: 9 } : {}),
			});
		}
		expect(drive.counts).toMatchObject({ metadata: 2, media: 1 });
	});

	it('says so when Google is not reached', async () => {
		await drive.close();
		await expect(fetchFile()).rejects.toMatchObject({ code: 'input_unreachable', retryable: true });
	});

	it('stops when it is told to', async () => {
		const reason = new Error('cancelled');
		await expect(fetchFile('file-1', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
	});
});
