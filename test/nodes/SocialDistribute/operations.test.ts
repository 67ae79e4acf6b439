import { bestTime } from '../../../nodes/SocialDistribute/operations/bestTime';
import { compareVariants } from '../../../nodes/SocialDistribute/operations/compareVariants';
import { deletePost } from '../../../nodes/SocialDistribute/operations/deletePost';
import { getPosts } from '../../../nodes/SocialDistribute/operations/getPosts';
import { getStatus } from '../../../nodes/SocialDistribute/operations/getStatus';
import { operations } from '../../../nodes/SocialDistribute/operations';
import { post } from '../../../nodes/SocialDistribute/operations/post';
import { schedule } from '../../../nodes/SocialDistribute/operations/schedule';
import { validate } from '../../../nodes/SocialDistribute/operations/validate';
import { build } from '../support/build';

const credentials = {
	mediaPipelineMastodonApi: { baseUrl: 'https://social.test/', accessToken: 'm-token' },
	mediaPipelineXOAuth2Api: { oauthTokenData: { access_token: 'x-token' } },
};
const secrets = { access_token: 'm-token', base_url: 'https://social.test' };
const fields = { platforms: ['mastodon'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original' };

it('has an operation for each thing that can be done, each by its own name', () => {
	expect(operations.map(({ value }) => value)).toEqual(['post', 'validate', 'schedule', 'getStatus', 'getPosts', 'delete', 'bestTime', 'compareVariants']);
});

describe('Validate', () => {
	it('asks as Post would, without publishing', async () => {
		const [asked] = await build(validate, fields, { credentials });
		const [posted] = await build(post, fields, { credentials });
		expect(asked).toEqual({ ...posted, operation: 'validate_post' });
	});
});

describe('Schedule', () => {
	it('hands the post to platforms that can wait, and checks it for those that cannot', async () => {
		const items = await build(schedule, { ...fields, platforms: ['mastodon', 'x'], publishAt: '2030-01-01T00:00:00Z' }, { credentials });
		expect(items.map(({ operation, params }) => [operation, params?.platform, params?.scheduled_at])).toEqual([
			['publish', 'mastodon', '2030-01-01T00:00:00Z'],
			['validate_post', 'x', '2030-01-01T00:00:00Z'],
		]);
	});

	it('wants a time', async () => {
		await expect(build(schedule, { ...fields, publishAt: '' }, { credentials })).rejects.toThrow('"Publish At"');
		await expect(build(schedule, { ...fields, publishAt: 'soon' }, { credentials })).rejects.toThrow('"Publish At"');
	});
});

describe.each([
	['Get Status', getStatus, 'post_status'],
	['Delete', deletePost, 'delete_post'],
] as const)('%s', (_name, operation, wire) => {
	it('names the post, and its account', async () => {
		expect(await build(operation, { platforms: ' Mastodon', postId: ' p1 ' }, { credentials })).toEqual([{ operation: wire, params: { post_id: 'p1' }, secrets }]);
	});

	it('wants a post and a platform that there is', async () => {
		await expect(build(operation, { platforms: 'mastodon', postId: '' }, { credentials })).rejects.toThrow('"Post ID"');
		await expect(build(operation, { platforms: 'friendster', postId: 'p1' }, { credentials })).rejects.toThrow('friendster');
		await expect(build(operation, { platforms: 'mastodon', postId: 'p1' }, { credentials: {} })).rejects.toThrow('no Mastodon account');
	});
});

describe('Get Posts', () => {
	it('reads what is due with the account', async () => {
		expect(await build(getPosts, { platforms: 'mastodon' }, { credentials })).toEqual([{ operation: 'get_posts', params: { platform: 'mastodon', refresh: 'due' }, secrets }]);
	});

	it('needs no account to list', async () => {
		const options = { account: 'me', experiment: 'e', sinceDays: 7, limit: 5, status: 'unknown' };
		expect(await build(getPosts, { platforms: 'mastodon', refresh: 'none', options }, { credentials: {} })).toEqual([
			{ operation: 'get_posts', params: { platform: 'mastodon', refresh: 'none', account: 'me', experiment: 'e', since_days: 7, limit: 5, status: 'unknown' } },
		]);
	});
});

describe('Best Time', () => {
	it('asks for the times of a platform in a time zone', async () => {
		expect(await build(bestTime, { platform: 'x', timeZone: 'Europe/Berlin', options: { days: 3, spacingHours: 6, metric: 'views', count: 1, account: 'me' } })).toEqual([
			{ operation: 'best_time', params: { platform: 'x', time_zone: 'Europe/Berlin', account: 'me', days: 3, spacing_hours: 6, metric: 'views', count: 1 } },
		]);
		expect(await build(bestTime, { platform: 'x', timeZone: '' })).toEqual([{ operation: 'best_time', params: { platform: 'x' } }]);
	});
});

describe('Compare Variants', () => {
	it('asks for an experiment', async () => {
		expect(await build(compareVariants, { experiment: 'tea', metric: 'clicks' })).toEqual([{ operation: 'compare_variants', params: { experiment: 'tea', metric: 'clicks' } }]);
		await expect(build(compareVariants, { experiment: ' ' })).rejects.toThrow('"Experiment"');
	});
});

describe('the fields of a post', () => {
	it('are sent in the form that the sidecar takes', async () => {
		const options = {
			title: 'T', tags: 'tea, , green tea', link: 'https://a.test', coverFile: 'thumb.jpg', coverSeconds: 0, subtitles: 'en, de', thread: ['two', ' ', 'three'], firstComment: 'Hi',
			onProblem: 'fix', longText: 'thread', experiment: 'e', variant: 'a',
		};
		const [item] = await build(post, { ...fields, options }, { credentials });
		expect(item?.params).toEqual({
			platform: 'mastodon', text: 'Hello', media: [{ file: 'original' }], title: 'T', tags: ['tea', 'green tea'], link: 'https://a.test', cover: { file: 'thumb.jpg' }, cover_seconds: 0,
			subtitles: [{ language: 'en' }, { language: 'de' }], thread: ['two', 'three'], first_comment: 'Hi', on_problem: 'fix', long_text: 'thread', experiment: { name: 'e', variant: 'a' },
		});
	});

	it('want an experiment and its variant together', async () => {
		await expect(build(post, { ...fields, options: { variant: 'a' } }, { credentials })).rejects.toThrow('belong together');
	});
});
