import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eq } from 'drizzle-orm';
import type { Browser, Frame, Page } from 'playwright-core';
import { assets } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { createTestPipeline, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';
import { addAsset, addJob, addLadder, addThumbnail, colours, launchChromium } from '../../support/player.ts';

const HOSTILE = `Four "colours" & </title><script>window.hacked = 1</script>`;
const CHAPTERS = [{ start_seconds: 6, title: 'Ochre' }, { start_seconds: 0, title: '</script><img src=x onerror="window.hacked=1">' }, { start_seconds: 3, title: 'Green' }, { title: 'without a time' }, 7];

describe('the public player', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	let browser: Browser;
	let key: string;
	let id: string;
	let plain: string;
	let source: string;

	const call = async (method: string, path: string, body?: unknown) => {
		const response = await fetch(app.url + path, { method, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
		return { status: response.status, body: (await response.json()) as { page_url: string; embed_url: string; embed_code: string; files: Record<string, string>; public: boolean; job_ids: string[]; error?: { code: string } } };
	};
	const publish = (asset: string) => call('POST', `/api/media/assets/${asset}/public`, { make: false });

	beforeAll(async () => {
		pipeline = await createTestPipeline();
		app = await startTestApp(pipeline);
		key = 'key-of-acme-0123456789';
		await createWorkspace(pipeline.deps.db, WORKSPACE, key);
		source = await colours(join(pipeline.folder, 'colours.mp4'));
		id = await addAsset(pipeline, source, { title: HOSTILE, description: `Each is shown\nfor 3 s. ${HOSTILE}`, metadata: { chapters: CHAPTERS } });
		await addThumbnail(pipeline, id, source);
		await addLadder(pipeline, id, source);
		for (const [jobType, name, output, text] of [['transcribe', 'transcript.vtt', { language: 'en' }, 'In English.'], ['translate', 'subtitles.de.vtt', {}, 'Auf Deutsch.']] as const) {
			const path = join(pipeline.folder, name);
			await writeFile(path, `WEBVTT\n\n00:00:00.000 --> 00:00:12.000\n${text}\n`);
			await addJob(pipeline, id, jobType, output, [{ name, path, mime: 'text/vtt' }]);
		}
		plain = await addAsset(pipeline, source, { title: 'Plain' });
		for (const one of [id, plain]) expect((await publish(one)).status).toBe(200);
		browser = await launchChromium();
	});
	afterAll(async () => {
		await browser?.close();
		await app.close();
		await pipeline.close();
	});

	/** A page, and what it asked for elsewhere or complained of. */
	async function open(path: string, work: (page: Page, complaints: string[]) => Promise<void>): Promise<void> {
		const context = await browser.newContext({ locale: 'de-DE' });
		const complaints: string[] = [];
		const page = await context.newPage();
		page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
		page.on('pageerror', (error) => complaints.push(error.message));
		page.on('request', (request) => !/^(blob|data):/.test(request.url()) && !request.url().startsWith(app.url) && complaints.push(`asked for ${request.url()}`));
		try {
			await page.goto(app.url + path);
			await work(page, complaints);
			expect(await context.cookies()).toEqual([]);
		} finally {
			await context.close();
		}
	}
	/** Asked from outside: the policy of the page forbids to evaluate text within it. */
	const when = (page: Page | Frame, expression: string) => until(async () => (await page.evaluate(expression)) === true, expression);
	/** The colour that is really shown, in the middle. */
	const colour = (page: Page) =>
		page.evaluate<number[]>(`(() => { const video = document.querySelector('video'); const canvas = document.createElement('canvas'); canvas.width = canvas.height = 1; const pen = canvas.getContext('2d'); pen.drawImage(video, 0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); })()`);
	const near = (a: number[], b: number[]) => a.every((value, index) => Math.abs(value - (b[index] ?? 0)) < 24);
	const playing = (page: Page, from = 0) => when(page, `(() => { const video = document.querySelector('video'); return !video.paused && video.currentTime > ${from + 0.3}; })()`);
	const seeked = (page: Page, to: number) => when(page, `Math.abs(document.querySelector('video').currentTime - ${to}) < 0.2 && !document.querySelector('video').seeking && document.querySelector('video').readyState >= 2`);

	it('plays an MP4, seeks, and obeys the keyboard', async () => {
		await open(`/watch/${plain}`, async (page, complaints) => {
			await page.getByRole('button', { name: 'Play', exact: true }).click();
			await playing(page);
			await page.keyboard.press('k');
			expect(await page.evaluate('document.querySelector("video").paused')).toBe(true);
			// Each third of the film has its colour: what is seen is what was asked for.
			await page.keyboard.press('5');
			await seeked(page, 6);
			await page.keyboard.press('ArrowRight');
			await seeked(page, 11);
			expect(near(await colour(page), [0x24, 0x52, 0x7a])).toBe(true);
			await page.keyboard.press('j');
			await seeked(page, 1);
			expect(near(await colour(page), [0x8a, 0x2b, 0xe2])).toBe(true);
			await page.keyboard.press('ArrowLeft');
			await seeked(page, 0);
			await page.keyboard.press('l');
			await seeked(page, 10);
			await page.keyboard.press('m');
			expect(await page.evaluate('document.querySelector("video").muted')).toBe(true);
			await page.keyboard.press('f');
			await when(page, 'document.fullscreenElement?.id === "player"');
			await page.keyboard.press('f');
			await when(page, 'document.fullscreenElement === null');
			await page.getByLabel('Speed').selectOption('2');
			expect(await page.evaluate('document.querySelector("video").playbackRate')).toBe(2);
			expect(await page.evaluate('document.querySelector("video").currentSrc.includes("/public/")')).toBe(true);
			expect(complaints).toEqual([]);
		});
	});

	it('plays a ladder as HLS, with captions that switch and chapters that lead there', async () => {
		await open(`/watch/${id}`, async (page, complaints) => {
			await when(page, 'document.querySelector("video").currentSrc.startsWith("blob:")');
			await page.keyboard.press(' ');
			await playing(page);
			const shown = () => page.evaluate('[...document.querySelector("video").textTracks].filter((track) => track.mode === "showing").map((track) => [track.language, track.cues?.[0]?.text])');
			expect(await shown()).toEqual([]);
			await page.keyboard.press('c');
			await when(page, '[...document.querySelector("video").textTracks].some((track) => track.mode === "showing" && track.cues?.length > 0)');
			// The browser speaks German.
			expect(await shown()).toEqual([['de', 'Auf Deutsch.']]);
			await page.getByLabel('Language of captions').selectOption({ label: 'English' });
			await when(page, '[...document.querySelector("video").textTracks].some((track) => track.language === "en" && track.mode === "showing" && track.cues?.length > 0)');
			expect(await shown()).toEqual([['en', 'In English.']]);
			await page.keyboard.press('c');
			expect(await shown()).toEqual([]);

			const list = page.getByRole('region', { name: 'Chapters' }).getByRole('button');
			expect(await list.allTextContents()).toEqual([`0:00${CHAPTERS[1] && (CHAPTERS[1] as { title: string }).title}`, '0:03Green', '0:06Ochre']);
			await list.nth(2).click();
			await playing(page, 5.7);
			expect(near(await colour(page), [0xb5, 0x65, 0x1d])).toBe(true);
			expect(await list.nth(2).getAttribute('aria-current')).toBe('true');
			expect(await page.evaluate('window.hacked')).toBeUndefined();
			expect(await page.locator('h1').textContent()).toBe(HOSTILE);
			expect(complaints).toEqual([]);
		});
	});

	describe('when something is wrong', () => {
		const words = (page: Page) => page.getByRole('status').textContent();

		it('says that the connection was lost, and goes on where it was', async () => {
			await open(`/watch/${plain}`, async (page) => {
				await page.getByRole('button', { name: 'Play', exact: true }).click();
				await playing(page);
				await page.keyboard.press('k');
				await page.keyboard.press('5');
				await seeked(page, 6);
				await page.route('**/public/**', (route) => route.abort());
				await page.evaluate('document.querySelector("video").load()');
				await until(async () => (await words(page)) === 'The connection was lost.', 'it is said');
				await page.unroute('**/public/**');
				await page.getByRole('button', { name: 'Try again' }).click();
				await playing(page, 5.7);
				expect([await words(page), await page.getByRole('button', { name: 'Try again' }).isVisible()]).toEqual(['', false]);
			});
		});

		it('says that it is gone, or that it takes long', async () => {
			await open(`/watch/${plain}`, async (page) => {
				await page.route('**/public/**', (route) => route.fulfill({ status: 404, body: '' }));
				await page.reload();
				await until(async () => (await words(page))?.startsWith('This is not available any more.') === true, 'it is said');
				await page.unroute('**/public/**');
				let release = () => {};
				const held = new Promise<void>((done) => (release = done));
				await page.route('**/public/**', async (route) => {
					await held;
					await route.continue();
				});
				await page.goto(`${app.url}/watch/${plain}`, { waitUntil: 'commit' });
				await page.getByRole('button', { name: 'Play', exact: true }).click();
				await when(page, 'document.querySelector(".wheel").hidden === false');
				await until(async () => (await words(page))?.startsWith('Still loading') === true, 'it is said');
				release();
				await playing(page);
				await when(page, 'document.querySelector(".wheel").hidden && document.querySelector("[role=status]").textContent === ""');
			});
		});

		it('plays the file where the ladder is not there', async () => {
			await open(`/watch/${id}`, async (page) => {
				await page.route('**/stream/**', (route) => route.fulfill({ status: 404, body: '' }));
				await page.reload();
				await page.keyboard.press('k');
				await playing(page);
				expect(await page.evaluate('document.querySelector("video").currentSrc.includes("/public/")')).toBe(true);
			});
		});
	});

	it('has all controls of sound in sight, and leaves the keys that scroll to the page', async () => {
		const path = join(pipeline.folder, 'sound.mp3');
		await promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'sine=duration=5', path]);
		const sound = await addAsset(pipeline, path, { title: 'صوت', fileType: 'audio', mime: 'audio/mpeg', description: 'line\n'.repeat(80) });
		await publish(sound);
		await open(`/watch/${sound}`, async (page, complaints) => {
			const player = await page.getByRole('region', { name: 'Audio player' }).boundingBox();
			for (const control of [page.getByRole('slider', { name: 'Position' }), page.getByRole('button', { name: 'Play (k)' })]) {
				const box = await control.boundingBox();
				expect([box && player && box.y >= player.y, box && player && box.y + box.height <= player.y + player.height]).toEqual([true, true]);
			}
			await page.keyboard.press('End');
			await when(page, 'window.scrollY > 100');
			expect([await page.evaluate('document.querySelector("audio").currentTime'), await page.evaluate('getComputedStyle(document.querySelector("h1")).direction')]).toEqual([0, 'rtl']);
			expect(complaints).toEqual([]);
		});
	});

	it('links to the store where that shows public files itself', async () => {
		const shop = await startTestApp(pipeline, { storage: { ...pipeline.deps.storage, publicUrl: (key) => `https://cdn.example/${key}` } });
		try {
			const { files: links } = (await (await fetch(`${shop.url}/api/media/assets/${id}/public`, { headers: { authorization: `Bearer ${key}` } })).json()) as { files: Record<string, string> };
			expect(Object.values(links).every((url) => url.startsWith('https://cdn.example/public/'))).toBe(true);
			const page = await fetch(`${shop.url}/watch/${id}`);
			const html = await page.text();
			for (const text of [`<meta property="og:video" content="${links['master']}">`, `<meta property="og:image" content="${links['thumb']}">`, `poster="${links['thumb']}"`]) expect(html).toContain(text);
			expect(page.headers.get('content-security-policy')).toContain("media-src 'self' https://cdn.example blob:");
		} finally {
			await shop.close();
		}
	});

	it('plays within a page of another origin, and only the embed does', async () => {
		const code = (await call('GET', `/api/media/assets/${plain}/public`)).body;
		const other: TestServer = await startServer((request, response) => response.setHeader('content-type', 'text/html').end(request.url === '/page' ? `<iframe id="page" src="${code.page_url}"></iframe>` : code.embed_code));
		const context = await browser.newContext();
		try {
			const page = await context.newPage();
			await page.goto(other.url.replace('127.0.0.1', 'localhost'));
			const embedded = () => page.frames().find((one) => one.url() === code.embed_url);
			await until(() => embedded() !== undefined, 'the frame is there');
			const frame = embedded() as Frame;
			await frame.getByRole('button', { name: 'Play', exact: true }).click();
			await when(frame, 'document.querySelector("video").currentTime > 0.3');
			expect(await frame.evaluate('document.querySelector("h1") === null')).toBe(true);
			const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
			await page.goto(`${other.url.replace('127.0.0.1', 'localhost')}/page`);
			expect((await refused).type()).toBe('error');
		} finally {
			await context.close();
			await other.close();
		}
	});

	it('tells other pages and programs what it is', async () => {
		const { body } = await call('GET', `/api/media/assets/${id}/public`);
		const html = await (await fetch(body.page_url)).text();
		expect(html).not.toContain('<script>window');
		const tag = (name: string) => new RegExp(`<meta (?:property|name)="${name}" content="([^"]*)">`).exec(html)?.[1];
		expect([tag('og:type'), tag('og:image'), tag('og:video'), tag('twitter:card'), tag('twitter:player')]).toEqual(['video.other', body.files['thumb'], body.files['master'], 'player', body.embed_url]);
		expect([tag('og:image:type'), Number(tag('og:image:width')) > 0, tag('og:video:type'), tag('og:video:width'), tag('og:video:height'), tag('video:duration'), tag('og:url')]).toEqual(['image/webp', true, 'video/mp4', '640', '360', '12', body.page_url]);
		const discovered = /type="application\/json\+oembed" title="[^"]*" href="([^"]*)"/.exec(html)?.[1]?.replace(/&#38;/g, '&') ?? '';
		const answer = (await (await fetch(`${discovered}&maxwidth=320`)).json()) as Record<string, unknown>;
		expect(answer).toMatchObject({ version: '1.0', type: 'video', title: HOSTILE, width: 320, height: 180, provider_name: 'Test Tube' });
		expect(answer['html']).toContain(`src="${body.embed_url}" width="320" height="180"`);
		expect(answer['html']).not.toContain('<script');
		const xml = await fetch(discovered.replace('format=json', 'format=xml'));
		expect([xml.headers.get('content-type'), (await xml.text()).includes('&#38;#60;script')]).toEqual([expect.stringContaining('text/xml'), true]);
		expect((await fetch(discovered.replace('format=json', 'format=yaml'))).status).toBe(501);
		for (const url of ['https://elsewhere.example/watch/' + id, `${app.url}/watch/${randomUUID()}`, 'no address']) expect((await fetch(`${app.url}/oembed?url=${encodeURIComponent(url)}`)).status).toBe(404);
	});

	it('shows the same page for what is private, unknown, unsafe or not an address', async () => {
		const hidden = await addAsset(pipeline, source, { title: 'Hidden' });
		const unsafe = await addAsset(pipeline, source, { publicAt: new Date(), status: 'failed', error: { code: 'content_unsafe', message: 'Stopped.' } });
		const pages = await Promise.all([hidden, unsafe, randomUUID(), 'x', '..%2f..%2fetc'].map(async (one) => {
			const answer = await fetch(`${app.url}/watch/${one}`);
			return { status: answer.status, text: await answer.text() };
		}));
		expect(new Set(pages.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
		expect(pages[0]?.status).toBe(404);
		expect((await publish(unsafe)).body.error?.code).toBe('content_unsafe');
		for (const path of ['chapters.vtt', 'captions/x.vtt', 'stream/master.m3u8']) expect((await fetch(`${app.url}/watch/${hidden}/${path}`)).status).toBe(404);
	});

	it('leads from the ladder to nothing else of the workspace', async () => {
		expect((await fetch(`${app.url}/watch/${id}/stream/master.m3u8`)).status).toBe(200);
		for (const name of ['..%2f..%2fother.mp4', '%2e%2e%2fother.mp4', '..%5cother']) expect((await fetch(`${app.url}/watch/${id}/stream/${name}`)).status).toBeGreaterThanOrEqual(400);
	});

	it('has addresses that change with the content, and none any more once it is private again', async () => {
		const asset = await addAsset(pipeline, source, { title: 'Comes and goes' });
		const first = (await publish(asset)).body;
		expect(Object.keys(first.files)).toEqual(['master']);
		expect((await publish(asset)).body.files).toEqual(first.files);
		await addThumbnail(pipeline, asset, source);
		// Whoever looks at the page brings it up to date.
		const thumb = async () => (await call('GET', `/api/media/assets/${asset}/public`)).body.files['thumb'];
		await fetch(first.page_url);
		await until(async () => (await thumb()) !== undefined, 'the new thumbnail is public');
		const old = await thumb();
		await addThumbnail(pipeline, asset, source);
		const renewed = (await publish(asset)).body.files;
		expect([renewed['thumb'] === old, renewed['master']]).toEqual([false, first.files['master']]);
		expect([(await fetch(old ?? '')).status, (await fetch(renewed['thumb'] ?? '')).status]).toEqual([404, 200]);

		expect((await call('DELETE', `/api/media/assets/${asset}/public`)).body).toMatchObject({ public: false, page_url: null, files: {} });
		for (const url of Object.values(renewed)) expect((await fetch(url)).status).toBe(404);
		expect((await call('DELETE', `/api/media/assets/${asset}/public`)).status).toBe(200);
		const [row] = await pipeline.deps.db.select().from(assets).where(eq(assets.id, asset));
		expect([row?.publicAt, await pipeline.deps.storage.head(row?.storageKey ?? '')]).toEqual([null, expect.objectContaining({ bytes: row?.bytes })]);
	});

	it('is published by nobody of another workspace', async () => {
		expect((await call('POST', `/api/media/assets/${randomUUID()}/public`, {})).status).toBe(404);
		expect((await fetch(`${app.url}/api/media/assets/${id}/public`, { method: 'DELETE' })).status).toBe(401);
	});
});
