import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGuard } from '../../../sidecar/src/net/guard.ts';
import { createFetchSource } from '../../../sidecar/src/sources/fetch-source.ts';
import { startServer } from '../../support/http-server.ts';
import { sourceSettings } from '../../support/sources.ts';

describe('a URL as a source', () => {
	it('is fetched through the guard, with its progress in percent', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'url-'));
		const server = await startServer((_request, response) =>
			response.writeHead(200, { 'Content-Type': 'video/mp4', 'Content-Length': 4 }).end('data'),
		);
		try {
			const progress: number[] = [];
			const request = {
				place: { type: 'url' as const, url: `${server.url}/clip.mp4` },
				secrets: {},
				destPath: join(folder, 'file'),
				signal: new AbortController().signal,
				onProgress: (percent: number) => progress.push(percent),
			};
			const settings = sourceSettings({ maxBytes: 1000 });
			const closed = createFetchSource({ ...settings, guard: createGuard({ allowedPrivateHosts: [] }) });
			await expect(closed(request)).rejects.toMatchObject({ code: 'input_forbidden' });
			expect(server.connections()).toBe(0);
			const open = createFetchSource({ ...settings, guard: createGuard({ allowedPrivateHosts: [server.host] }) });
			expect(await open(request)).toMatchObject({ bytes: 4, fileName: 'clip.mp4', contentType: 'video/mp4' });
			expect(await readFile(join(folder, 'file'), 'utf8')).toBe('data');
			expect(progress).toEqual([100]);
		} finally {
			await server.close();
			await rm(folder, { recursive: true, force: true });
		}
	});
});
