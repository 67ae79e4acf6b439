import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import type { PostMedia } from '../../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../../sidecar/src/social/publish.ts';
import type { TikTokEmulator, TikTokEmulatorOptions } from '../../../platforms/tiktok.ts';
import { crashing, expireClaims, imageOf, postOf } from '../support.ts';
import { TikTokWorld } from '../tiktokWorld.ts';

let world: TikTokWorld;
let tiktok: TikTokEmulator;
beforeAll(async () => void (world = await TikTokWorld.open()));
afterAll(() => world.close());
afterEach(() => world.stop());
const start = async (options?: TikTokEmulatorOptions) => void (tiktok = await world.start(options));

describe('photos on TikTok', () => {
	let files: Server;
	let photos: PostMedia[];
	beforeAll(async () => {
		const pictures = await Promise.all([1, 2].map((number) => imageOf(world.folder, 1000 + number, `${number}.jpg`)));
		files = createServer((request, response) => {
			const picture = pictures.find(({ path }) => path.endsWith(request.url ?? '-'));
			if (!picture) return void response.writeHead(404).end();
			void readFile(picture.path).then((bytes) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(bytes));
		}).listen(0, '127.0.0.1');
		await once(files, 'listening');
		const origin = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
		photos = pictures.map((picture, index) => ({ ...picture, mime: 'image/jpeg', url: `${origin}/${index + 1}.jpg` }));
	});
	afterAll(() => void files.close());

	it('are fetched by TikTok, and the call that asks for it is the public one', async () => {
		await start();
		const row = await world.publish(world.ask(postOf('Described', photos, { title: 'Titled' }), { cover_photo: 2, auto_add_music: true, allow_comments: true }));
		expect(tiktok.posts[0]).toMatchObject({ text: 'Described', title: 'Titled', kind: 'photo', info: { auto_add_music: true, disable_comment: false } });
		expect(tiktok.posts[0]!.media.map((media) => media.sha256)).toEqual(photos.map((photo) => photo.sha256));
		expect(row).toMatchObject({ externalPostId: tiktok.posts[0]!.id, permalink: tiktok.posts[0]!.permalink });
		expect(tiktok.publicCalls).toBe(1);
	});

	it('whose call was not answered are unknown, and never sent again', async () => {
		await start();
		const request = world.ask(postOf('Unanswered', photos));
		tiktok.fail('content_init', { when: 'after', answer: 'drop' });
		expect(await world.failing(request)).toMatchObject({ code: 'post_unknown', details: { post_status: 'unknown' }, message: expect.stringContaining('Look at the account') });
		expect(await world.failing(request)).toMatchObject({ code: 'post_unknown' });
		expect([tiktok.publicCalls, tiktok.count('content_init')]).toEqual([1, 1]);
	});

	it.each(['before', 'after'] as const)('are one post, or unknown, when the process is killed just %s any write to the ledger', async (when) => {
		await start({ rateLimits: false });
		for (let write = 1; ; write += 1) {
			const calls = tiktok.publicCalls;
			const request = world.ask(postOf(`killed ${when} ${write}`, photos));
			const deps = world.dependencies;
			const ledger = crashing(deps.ledger, write, when);
			await publishPost({ ...deps, ledger }, request).catch(() => {});
			await expireClaims(world.database);
			const end = await world.publish(request).catch((error: unknown) => error);
			if (end instanceof PipelineError) expect({ write, code: end.code }).toEqual({ write, code: 'post_unknown' });
			expect({ write, calls: tiktok.publicCalls - calls <= 1 }).toEqual({ write, calls: true });
			if (!ledger.died) break;
		}
		expect(tiktok.posts.length).toBeGreaterThan(4);
	});

	it('that TikTok cannot fetch are refused in words, and may be tried again', async () => {
		await start();
		const gone = photos.map((photo) => ({ ...photo, url: `${photo.url}x` }));
		const request = world.ask(postOf('Gone', gone));
		expect(await world.failing(request)).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('reachable from the internet'), details: { platform_code: 'photo_pull_failed' } });
		// The second try must not be taken for the first one, whose end is known.
		tiktok.fail('content_init', { when: 'after', answer: 'drop' });
		expect((await world.failing(request)).code).toBe('post_unknown');
	});

	it('need an address, a verified host, JPEG or WebP, and at most 1080 pixels on the shorter side', async () => {
		await start({ verifiedHosts: [] });
		const [photo] = photos;
		expect((await world.problemsOf(world.ask(postOf('', [{ ...photo!, url: null }])))).map(({ message }) => message)).toEqual([expect.stringContaining('PUBLIC_URL')]);
		const large = { ...photo!, mime: 'image/png', facts: { ...photo!.facts, video: { ...photo!.facts.video!, width: 2000, height: 1100 } } };
		expect((await world.problemsOf(world.ask(postOf('', [large])))).map(({ message }) => message)).toEqual([expect.stringContaining('image/png'), expect.stringContaining('1080')]);
		expect(await world.problemsOf(world.ask(postOf('', [photo!]), { ai_generated: true, cover_photo: 2 }))).toHaveLength(2);
		expect(await world.failing(world.ask(postOf('', [photo!])))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('URL Properties'), details: { platform_code: 'url_ownership_unverified' } });
	});

	it('may go to the inbox', async () => {
		await start();
		expect(await world.problemsOf(world.ask(postOf('', photos), { mode: 'inbox', privacy: undefined, cover_photo: 3 }))).toEqual([expect.objectContaining({ field: 'settings.cover_photo' })]);
		const row = await world.publish(world.ask(postOf('Later', photos), { mode: 'inbox', privacy: undefined }));
		expect(tiktok.drafts[0]).toMatchObject({ text: 'Later', publishId: row.externalPostId });
		expect(tiktok.posts).toEqual([]);
	});
});
