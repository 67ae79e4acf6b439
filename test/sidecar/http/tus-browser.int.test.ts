import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { chromium, type Browser, type Page } from 'playwright-core';
import { fixture } from '../../fixtures/media.ts';
import { until } from '../../support/pipeline.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const TUS = createRequire(import.meta.url).resolve('tus-js-client/dist/tus.min.js');

/** The page: goes on where an earlier one has stopped, and holds after its first piece when told to. */
const PAGE = `<!doctype html><input type="file" id="file"><script src="/tus.js"></script><script>
async function send(endpoint, hold) {
	const state = (window.state = { offsets: [], done: false, held: false, error: null });
	const upload = new tus.Upload(document.getElementById('file').files[0], {
		endpoint, chunkSize: 20000, retryDelays: null,
		onChunkComplete: (size, accepted) => { state.offsets.push(accepted); if (hold && !state.held) { state.held = true; upload.abort(); } },
		onSuccess: () => { state.done = true; },
		onError: (error) => { state.error = String(error); },
	});
	const [earlier] = await upload.findPreviousUploads();
	if (earlier) upload.resumeFromPreviousUpload(earlier);
	state.resumed = Boolean(earlier);
	upload.start();
}
</script>`;

interface State {
	offsets: number[];
	done: boolean;
	held: boolean;
	resumed: boolean;
	error: string | null;
}

describe('an upload from a page of another origin', () => {
	let sidecar: TestSidecar;
	let site: Server;
	let address: string;
	let browser: Browser;
	beforeAll(async () => {
		sidecar = await startTestSidecar();
		const script = await readFile(TUS);
		site = createServer((request, response) => {
			const isScript = request.url === '/tus.js';
			response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' }).end(isScript ? script : PAGE);
		}).listen(0, '127.0.0.1');
		await once(site, 'listening');
		const bound = site.address();
		address = `http://127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}/`;
		browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
	}, 120_000);
	afterAll(async () => {
		await browser.close();
		site.close();
		site.closeAllConnections();
		await sidecar.close();
	});

	const state = (page: Page): Promise<State> => page.evaluate('window.state');

	it('goes on after the page was loaded anew, without an API key', async () => {
		const path = fixture('landscape');
		const video = await readFile(path);
		const { body: signed } = await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: video.length, mime_type: 'video/mp4', protocol: 'tus' });
		const page = await (await browser.newContext()).newPage();
		const send = async (hold: boolean): Promise<void> => {
			await page.goto(address);
			await page.setInputFiles('#file', path);
			await page.evaluate(`send(${JSON.stringify(signed.tus?.endpoint)}, ${hold})`);
		};
		await send(true);
		await until(async () => (await state(page)).held, 'the first piece has come');
		await send(false);
		await until(async () => (await state(page)).done || (await state(page)).error !== null, 'the upload has ended');
		const { error, resumed, offsets } = await state(page);
		expect({ error, resumed }).toEqual({ error: null, resumed: true });
		// Not from the beginning.
		expect(offsets[0]).toBeGreaterThan(20000);
		const asset = async () => (await sidecar.call('GET', `/api/media/assets/${signed.asset_id}`)).body;
		await until(async () => (await asset()).status === 'ready', 'the asset is ready');
		const stored = Buffer.from(await (await fetch((await asset()).file_url!)).arrayBuffer());
		expect(createHash('sha256').update(stored).digest('hex')).toBe(createHash('sha256').update(video).digest('hex'));
	}, 120_000);
});
