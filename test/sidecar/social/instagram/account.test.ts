import type { PipelineError } from '../../../../sidecar/src/errors.ts';
import type { Post, PostMedia } from '../../../../sidecar/src/social/platform.ts';
import type { InstagramAccount } from '../../../platforms/instagram.ts';
import { IG, instagramTest } from './support.ts';
import type { InstagramStage } from '../stages/instagram.ts';
import { postOf } from '../support.ts';

const on = instagramTest();
const { online, publish, request, post, failed, pictureOf, run } = on;
let stage: InstagramStage;
let video: PostMedia;
let file: PostMedia;
let photo: PostMedia;
const start = async (...given: Parameters<typeof on.start>) => {
	await on.start(...given);
	({ stage, video, file, photo } = on);
};

const problems = (error: PipelineError) => error.details?.['problems'] as Array<{ field: string; message: string; fixable?: boolean }>;

describe('Instagram', () => {
	describe('before anything is uploaded', () => {
		const refused = async (text: string, media: PostMedia[], settings = {}, more: Partial<Post> = {}) => {
			const error = await failed(post(text, media, settings, more));
			expect([error.code, stage.emulator.count('container')]).toEqual(['post_invalid', 0]);
			return problems(error);
		};

		it('refuses PNG, and says that it can be made anew', async () => {
			await start();
			expect(await refused('x', [online(await pictureOf('a.png', 800, 800, 'png'))])).toMatchObject([
				{ field: 'media[0]', message: expect.stringContaining('image/jpeg'), fixable: true },
			]);
		});

		it('refuses a landscape video as a reel, unless it is wanted', async () => {
			await start();
			const wide = { ...video, facts: file.facts };
			expect(await refused('x', [wide])).toMatchObject([{ field: 'media[0]', message: expect.stringContaining('too wide'), fixable: true }]);
			await post('Wide', [wide], { allow_landscape: true });
			expect(stage.emulator.posts).toHaveLength(1);
		});

		it.each<[string, string, string]>([
			['a caption of 2201 characters', 'a'.repeat(2201), 'text'],
			['31 hashtags', '#a '.repeat(31), 'text'],
			['21 mentions', '@a '.repeat(21), 'text'],
		])('refuses %s', async (_, text, field) => {
			await start();
			expect(await refused(text, [video])).toMatchObject([{ field }]);
		});

		it('refuses a story with words, with several files, or with a description', async () => {
			await start();
			const found = await refused('words', [{ ...online(photo), altText: 'x' }, online(photo)], { placement: 'story' });
			expect(found.map(({ field }) => field)).toEqual(expect.arrayContaining(['text', 'media', 'media[0].alt_text']));
		});

		it('refuses the description of a video, a cover in PNG, and a place without Facebook Login', async () => {
			await start();
			const cover = online(await pictureOf('c.png', 400, 400, 'png'));
			const found = await refused('x', [{ ...video, altText: 'x' }], { location_id: '1' }, { cover });
			expect(found.map(({ field }) => field)).toEqual(['media[0].alt_text', 'cover', 'settings.location_id']);
		});

		it('refuses people, authors and places where they would be lost, and a cover that cannot be', async () => {
			await start();
			const named = { user_tags: [{ username: 'anna' }], collaborators: ['ben'] };
			const fieldsOf = async (...given: Parameters<typeof refused>) => (await refused(...given)).map(({ field }) => field);
			expect(await fieldsOf('x', [online(photo), online(photo)], named)).toEqual(['settings.user_tags']);
			expect(await fieldsOf('', [online(photo)], { ...named, placement: 'story' })).toEqual(['settings.user_tags', 'settings.collaborators']);
			expect(await fieldsOf('x', [video], named, { coverSeconds: video.facts.durationSeconds + 1 })).toEqual(['cover_seconds']);
			expect(await fieldsOf('x', [video], named, { cover: { ...online(photo), bytes: 8_000_001 } })).toEqual(['cover']);
		});

		it('wants an address for what Instagram fetches', async () => {
			await start();
			expect(await refused('x', [{ ...video, url: null }])).toMatchObject([{ field: 'media[0]', message: expect.stringContaining('PUBLIC_URL') }]);
		});

		it('knows how many posts the account has left', async () => {
			await start('instagram', { quota: 1 });
			await post('one');
			const error = await failed(post('two'));
			expect(problems(error)).toEqual([
				{ field: 'account', message: 'The account has made 1 posts through apps in 24 hours; Instagram allows 1. Post again tomorrow.' },
			]);
			expect(stage.emulator.publicCalls).toBe(1);
		});
	});

	describe('with Facebook Login', () => {
		const scopes = ['instagram_basic', 'instagram_content_publish', 'pages_show_list', 'pages_read_engagement'];
		const page = (id: string, instagram: { id: string; username: string } | null) => ({ id, name: `Page ${id}`, instagram });
		const token = (more: Partial<InstagramAccount>) =>
			stage.emulator.setToken('facebook-token', { id: '1', username: 'Person', login: 'facebook', scopes, ...more });

		it('chooses the account that is named, and asks for a name where there are several', async () => {
			await start('facebook');
			token({ pages: [page('1', null), page('2', { id: IG, username: 'demo' }), page('3', { id: '17841400000000002', username: 'other' })] });
			expect(await failed(post('Which'))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('demo, other') });
			expect(await failed(post('Nobody', [video], { account: 'nobody' }))).toMatchObject({ code: 'post_rejected' });
			expect((await post('This one', [video], { account: '@Other' })).account).toBe('other');
		});

		it('takes the token of a Page, too', async () => {
			await start('facebook');
			token({ instagram: { id: IG, username: 'demo' } });
			expect((await post('Page')).account).toBe('demo');
		});

		it('reads the Pages of an agency to the end', async () => {
			await start('facebook');
			token({ pages: [...Array.from({ length: 150 }, (_, index) => page(`1${index}`, null)), page('2', { id: IG, username: 'demo' })] });
			expect((await post('Last')).account).toBe('demo');
		});

		it('says how to link an account where none is', async () => {
			await start('facebook');
			token({ pages: [page('1', null)] });
			expect(await failed(post('None'))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('Link it on the Page') });
		});
	});

	describe('a first comment', () => {
		const comment = (text: string, remoteId: string) => request(postOf(text, [], { replyTo: { remoteId, rootId: remoteId } }));

		it('is made once, also when its answer is lost', async () => {
			await start();
			const { externalPostId } = await post('Post');
			await publish(comment('First', externalPostId!));
			stage.emulator.fail('comment', { when: 'after', answer: 'drop' });
			const row = await publish(comment('Second & last', externalPostId!));
			expect(stage.emulator.posts[0]!.comments.map(({ text }) => text)).toEqual(['First', 'Second & last']);
			expect(row.externalPostId).toBe(stage.emulator.posts[0]!.comments[1]!.id);
			expect(stage.emulator.publicCalls).toBe(3);
			stage.emulator.fail('comment', { when: 'before', answer: 'drop' });
			await publish(comment('Third', externalPostId!));
			expect(stage.emulator.posts[0]!.comments).toHaveLength(3);
		});

		it('exists afterwards, without link and numbers', async () => {
			await start();
			const { externalPostId } = await post('Post');
			const id = (await publish(comment('First', externalPostId!))).externalPostId!;
			expect(await stage.platform().look!(run(), id)).toEqual({ state: 'published', remoteId: id, permalink: null });
			const [[, numbers]] = [...(await stage.platform().measure!(run(), [id]))] as [[string, object]];
			expect(new Set(Object.values(numbers))).toEqual(new Set([null]));
		});

		it('is not for stories', async () => {
			await start();
			const given = request(postOf('x', [], { replyTo: { remoteId: '1', rootId: '1' } }), { placement: 'story' });
			expect(problems(await failed(publish(given)))).toMatchObject([{ field: 'replies' }]);
			expect(stage.emulator.publicCalls).toBe(0);
		});

		it('needs a permission of its own', async () => {
			await start();
			const { externalPostId } = await post('Post');
			stage.emulator.setToken('instagram-token', {
				id: IG,
				username: 'demo',
				login: 'instagram',
				scopes: ['instagram_business_basic', 'instagram_business_content_publish'],
			});
			expect(await failed(publish(comment('No', externalPostId!)))).toMatchObject({
				code: 'needs_reauth',
				message: expect.stringContaining('instagram_business_manage_comments'),
			});
		});
	});

	it('reads numbers, of stories without likes, and leaves out what is gone', async () => {
		await start();
		const { externalPostId: reel } = await post('Reel');
		const { externalPostId: story } = await post('', [online(photo)], { placement: 'story' });
		const platform = stage.platform();
		const measured = await platform.measure!(run(), [reel!, story!, '18099999999999999']);
		expect([...measured]).toEqual([
			[reel, { views: 120, likes: 14, comments: 0, shares: 3, saves: 2, clicks: null }],
			[story, { views: 120, likes: 14, comments: 0, shares: 3, saves: null, clicks: null }],
		]);
		stage.emulator.setToken('instagram-token', { id: IG, username: 'demo', login: 'instagram', scopes: ['instagram_business_basic'] });
		expect((await platform.measure!(run(), [reel!])).get(reel!)).toEqual({ views: null, likes: 14, comments: 0, shares: null, saves: null, clicks: null });
	});

	it('looks at a post, and deletes it with Facebook Login only', async () => {
		await start();
		const { externalPostId } = await post('Gone soon');
		const id = externalPostId!;
		expect(await stage.platform().look!(run(), id)).toEqual({ state: 'published', remoteId: id, permalink: stage.emulator.posts[0]!.permalink });
		expect(await failed(stage.platform().remove!(run(), id, 'published'))).toMatchObject({
			code: 'post_rejected',
			message: expect.stringContaining('Delete it in the Instagram app'),
		});
		const facebook = { ...run(), credentials: { accessToken: 'facebook-token', baseUrl: null, extra: { login: 'facebook' } } };
		await stage.platform().remove!(facebook, id, 'published');
		await stage.platform().remove!(facebook, id, 'published');
		expect(stage.emulator.posts).toEqual([]);
		expect(await stage.platform().look!(facebook, id)).toMatchObject({ state: 'gone' });
	});
});
