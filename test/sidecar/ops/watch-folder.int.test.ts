import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { until } from '../../support/pipeline.ts';
import { freePort, spawnSidecar, type SidecarProcess } from '../../support/sidecar-process.ts';

const picture = (width: number): Promise<Buffer> => sharp({ create: { width, height: 64, channels: 3, background: '#3366cc' } }).png().toBuffer();

describe('a sidecar with a watched folder', () => {
	it('takes each file once, also when it is killed while it works', async () => {
		const base = await mkdtemp(join(tmpdir(), 'watching-'));
		const root = join(base, 'watch');
		await mkdir(root);
		const environment = { DATA_DIR: join(base, 'data'), PORT: String(await freePort()), WATCH_DIR: root, WATCH_SETTLE_SECONDS: '1' };
		let sidecar: SidecarProcess = await spawnSidecar(environment);
		try {
			const assets = async () => (await sidecar.call('GET', '/api/media/assets?limit=50'))['assets'] as Array<{ source: string; source_id: string; file_url: string | null }>;
			await writeFile(join(root, 'one.png'), await picture(64));
			await until(async () => (await assets()).length > 0, 'the first file is taken');
			await sidecar.kill('SIGKILL');
			await writeFile(join(root, 'two.png'), await picture(80));
			sidecar = await spawnSidecar(environment);
			await until(async () => (await assets()).some(({ source_id: id, file_url: url }) => id === 'two.png' && url !== null), 'the second file is stored', 90_000);
			// A round that would take the first one again has passed: the second one was taken by it.
			expect((await assets()).map(({ source, source_id: id }) => [source, id]).sort()).toEqual([
				['folder', 'one.png'],
				['folder', 'two.png'],
			]);
		} finally {
			await sidecar.kill('SIGKILL');
			await rm(base, { recursive: true, force: true });
		}
	}, 180_000);
});
