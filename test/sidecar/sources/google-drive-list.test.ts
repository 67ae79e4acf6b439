import { createListSource } from '../../../sidecar/src/sources/list-source.ts';
import type { ListPlace, SourceListing } from '../../../sidecar/src/sources/source.ts';
import { startGoogleDrive, type DriveEmulator, type DriveFileFixture } from '../../platforms/google-drive.ts';
import { live, sourceSettings } from '../../support/sources.ts';

const FOLDER = 'application/vnd.google-apps.folder';
const SHORTCUT = 'application/vnd.google-apps.shortcut';

describe('Google Drive as a place that holds many files', () => {
	let drive: DriveEmulator;
	beforeEach(async () => {
		drive = await startGoogleDrive();
		add('folder-1', { name: 'Folder', mimeType: FOLDER });
	});
	afterEach(() => drive.close());
	const add = (id: string, file: DriveFileFixture) => drive.files.set(id, file);
	const video = (id: string, parents = ['folder-1'], change: Partial<DriveFileFixture> = {}) => add(id, { name: `${id}.mp4`, mimeType: 'video/mp4', content: Buffer.from(id), parents, ...change });
	const ask = (place: ListPlace, cursor: string | null = null, limit = 100, token = 'valid-token') =>
		createListSource(sourceSettings({ googleApiBaseUrl: drive.url }))({ place, secrets: { access_token: token }, cursor, limit, signal: live() });
	const folder = (recursive = false, id = 'folder-1'): ListPlace => ({ type: 'google_drive_folder', folder_id: id, recursive });
	const changes = (more: { folder_id?: string; drive_id?: string } = {}): ListPlace => ({ type: 'google_drive_changes', ...more });
	const all = async (place: ListPlace, limit: number): Promise<SourceListing & { pages: number }> => {
		const sum: SourceListing & { pages: number } = { entries: [], skipped: [], cursor: null, hasMore: false, pages: 0 };
		for (let more = true; more; sum.pages += 1) {
			const page = await ask(place, sum.cursor, limit);
			sum.entries.push(...page.entries);
			sum.skipped.push(...page.skipped);
			sum.cursor = page.cursor;
			more = page.hasMore;
		}
		return sum;
	};
	const ids = ({ entries }: SourceListing) => entries.map(({ place }) => (place.type === 'google_drive' ? place.file_id : '?')).sort();

	it('lists a folder page by page, and what each file is', async () => {
		for (let index = 0; index < 7; index += 1) video(`clip-${index}`);
		const found = await all(folder(), 3);
		expect([found.pages, ids(found), found.cursor]).toEqual([3, ['clip-0', 'clip-1', 'clip-2', 'clip-3', 'clip-4', 'clip-5', 'clip-6'], null]);
		expect(found.entries[0]).toMatchObject({ name: 'clip-0.mp4', bytes: 6, mime: 'video/mp4', modifiedAt: new Date('2026-01-02T03:04:05Z'), version: expect.stringMatching(/^[0-9a-f]{64}$/) });
	});

	it('leaves out the bin, documents with a word, and folders in it unless they are asked for', async () => {
		video('clip-a');
		video('bin', ['folder-1'], { trashed: true });
		video('locked', ['folder-1'], { canDownload: false });
		add('doc', { name: 'Plan', mimeType: 'application/vnd.google-apps.document', parents: ['folder-1'] });
		add('text', { name: 'a.txt', mimeType: 'text/plain', content: Buffer.from('x'), parents: ['folder-1'] });
		add('inner', { name: 'Inner', mimeType: FOLDER, parents: ['folder-1'] });
		add('deep', { name: 'Deep', mimeType: FOLDER, parents: ['inner'] });
		video('clip-b', ['inner']);
		video('clip-c', ['deep']);
		const flat = await all(folder(), 100);
		expect(ids(flat)).toEqual(['clip-a']);
		expect(flat.skipped.map(({ name }) => name).sort()).toEqual(['Plan', 'a.txt', 'locked.mp4']);
		expect(flat.skipped.find(({ name }) => name === 'Plan')?.reason).toContain('Google document');
		expect(ids(await all(folder(true), 1))).toEqual(['clip-a', 'clip-b', 'clip-c']);
	});

	it('follows shortcuts to files and folders, but not in a circle', async () => {
		video('target', ['elsewhere']);
		video('inside', ['other']);
		add('other', { name: 'Other', mimeType: FOLDER, parents: ['elsewhere'] });
		add('to-file', { name: 'Link', mimeType: SHORTCUT, shortcutTo: 'target', parents: ['folder-1'] });
		add('to-folder', { name: 'Link', mimeType: SHORTCUT, shortcutTo: 'other', targetMimeType: FOLDER, parents: ['folder-1'] });
		add('circle', { name: 'Link', mimeType: SHORTCUT, shortcutTo: 'folder-1', targetMimeType: FOLDER, parents: ['other'] });
		add('to-nothing', { name: 'Gone', mimeType: SHORTCUT, shortcutTo: 'nothing', parents: ['folder-1'] });
		const found = await all(folder(true), 10);
		expect(ids(found)).toEqual(['inside', 'target']);
		expect(found.skipped).toEqual([{ name: 'Gone', reason: expect.stringContaining('shortcut') }]);
	});

	it('lists folders of shared drives', async () => {
		add('team', { name: 'Team', mimeType: FOLDER, driveId: 'drive-1' });
		video('clip-t', ['team'], { driveId: 'drive-1' });
		expect(ids(await all(folder(false, 'team'), 10))).toEqual(['clip-t']);
	});

	it('says so when the folder is none, is gone, or in the bin', async () => {
		video('clip-a');
		add('old', { name: 'Old', mimeType: FOLDER, trashed: true });
		await expect(ask(folder(false, 'clip-a'))).rejects.toMatchObject({ code: 'input_unsupported' });
		await expect(ask(folder(false, 'nowhere'))).rejects.toMatchObject({ code: 'input_not_found' });
		await expect(ask(folder(false, 'old'))).rejects.toMatchObject({ code: 'input_not_found', message: expect.stringContaining('bin') });
		await expect(ask(folder(), null, 10, 'expired')).rejects.toMatchObject({ code: 'needs_reauth' });
		await expect(ask(folder(), Buffer.from('["rss",{}]').toString('base64url'))).rejects.toMatchObject({ code: 'invalid_request' });
	});

	it('tells changes from the first request on, page by page', async () => {
		video('before');
		drive.changes.push('before');
		const start = await ask(changes());
		expect([start.entries, start.hasMore]).toEqual([[], false]);
		for (const id of ['new-1', 'new-2', 'new-3']) {
			video(id, id === 'new-2' ? ['elsewhere'] : ['folder-1']);
			drive.changes.push(id);
		}
		drive.changes.push('deleted');
		const first = await ask(changes(), start.cursor, 2);
		expect([ids(first), first.hasMore]).toEqual([['new-1', 'new-2'], true]);
		const second = await ask(changes(), first.cursor, 2);
		expect([ids(second), second.hasMore]).toEqual([['new-3'], false]);
		expect(ids(await ask(changes(), second.cursor))).toEqual([]);
		expect(ids(await ask(changes({ folder_id: 'folder-1' }), start.cursor))).toEqual(['new-1', 'new-3']);
		drive.changes.length = 0;
		await expect(ask(changes(), second.cursor)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('cursor') });
	});

	it('names a file once, though a shortcut leads to it and it changed twice', async () => {
		video('clip-a');
		add('link', { name: 'Link', mimeType: SHORTCUT, shortcutTo: 'clip-a', parents: ['folder-1'] });
		expect((await ask(folder())).entries.map(({ place }) => place)).toEqual([{ type: 'google_drive', file_id: 'clip-a' }]);
		const start = await ask(changes());
		drive.changes.push('clip-a', 'clip-a');
		expect((await ask(changes(), start.cursor)).entries).toHaveLength(1);
	});

	it('lists five thousand files', async () => {
		for (let index = 0; index < 5000; index += 1) video(`clip-${index}`);
		const found = await all(folder(), 1000);
		expect([found.pages, new Set(ids(found)).size]).toEqual([5, 5000]);
	});

	it('says so when Google has forgotten a page, and asks nothing with a cursor that was tampered with', async () => {
		for (const id of ['a-1', 'a-2']) video(id);
		const { cursor } = await ask(folder(), null, 1);
		drive.failures.push({ status: 410, reason: 'gone', when: 'list' });
		await expect(ask(folder(), cursor, 1)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('cursor') });
		const [type, state] = JSON.parse(Buffer.from(String(cursor), 'base64url').toString()) as [string, Record<string, unknown>];
		const forged = Buffer.from(JSON.stringify([type, { ...state, waiting: ["x' in parents or 'y"] }])).toString('base64url');
		const before = drive.counts.list;
		await expect(ask(folder(), forged, 1)).rejects.toMatchObject({ code: 'invalid_request' });
		expect(drive.counts.list).toBe(before);
	});

	it('does not run in a circle of shortcuts', async () => {
		add('link-1', { name: 'One', mimeType: SHORTCUT, shortcutTo: 'link-2', targetMimeType: FOLDER });
		add('link-2', { name: 'Two', mimeType: SHORTCUT, shortcutTo: 'link-1', targetMimeType: FOLDER });
		await expect(ask(folder(false, 'link-1'))).rejects.toMatchObject({ code: 'input_unsupported' });
	});

	it.each(['list', 'changes'] as const)('says when to try again after a rate limit (%s)', async (when) => {
		drive.failures.push({ status: 403, reason: 'userRateLimitExceeded', when, retryAfter: '12' });
		await expect(ask(when === 'list' ? folder() : changes())).rejects.toMatchObject({ code: 'input_unreachable', retryAfterSeconds: 12 });
	});
});
