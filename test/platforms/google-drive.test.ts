import { startGoogleDrive, type DriveEmulator } from './google-drive.ts';

describe('the stand-in of Google Drive', () => {
	let drive: DriveEmulator;
	beforeAll(async () => {
		drive = await startGoogleDrive();
		drive.files.set('a', { name: 'a.mp4', mimeType: 'video/mp4', content: Buffer.from('0123456789') });
		drive.files.set('s', { name: 's.mp4', mimeType: 'video/mp4', content: Buffer.from('x'), shared: true });
		drive.files.set('d', { name: 'd', mimeType: 'application/vnd.google-apps.document' });
	});
	afterAll(() => drive.close());
	const get = async (path: string, headers: Record<string, string> = {}) => {
		const all = { Authorization: 'Bearer valid-token', 'Accept-Encoding': 'identity', ...headers };
		const response = await fetch(`${drive.url}/drive/v3/files/${path}`, { headers: all });
		return { status: response.status, text: await response.text(), range: response.headers.get('content-range') };
	};

	it('wants a valid token', async () => {
		expect((await get('a', { Authorization: '' })).status).toBe(401);
		expect((await get('a', { Authorization: 'Bearer old' })).status).toBe(401);
	});

	it('answers only the fields that were asked for', async () => {
		expect(JSON.parse((await get('a')).text)).toEqual({
			kind: 'drive#file',
			id: 'a',
			name: 'a.mp4',
			mimeType: 'video/mp4',
		});
		expect(JSON.parse((await get('a?fields=size,capabilities/canDownload')).text)).toEqual({
			size: '10',
			capabilities: { canDownload: true },
		});
	});

	it('shows files of shared drives only to those who ask for them', async () => {
		expect((await get('s')).status).toBe(404);
		expect((await get('s?supportsAllDrives=true')).status).toBe(200);
	});

	it('sends ranges', async () => {
		expect(await get('a?alt=media')).toMatchObject({ status: 200, text: '0123456789' });
		expect(await get('a?alt=media', { Range: 'bytes=4-' })).toEqual({
			status: 206,
			text: '456789',
			range: 'bytes 4-9/10',
		});
		expect(await get('a?alt=media', { Range: 'bytes=10-' })).toMatchObject({ status: 416, range: 'bytes */10' });
	});

	it('does not send documents as files', async () => {
		expect((await get('d?alt=media')).text).toContain('fileNotDownloadable');
	});
});
