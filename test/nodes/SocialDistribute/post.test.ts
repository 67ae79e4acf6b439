import { readParameter } from '../../../nodes/shared/collect';
import { post } from '../../../nodes/SocialDistribute/operations/post';
import { build } from '../support/build';
import { fakeContext } from '../support/context';

const credentials = {
	mediaPipelineMastodonApi: { baseUrl: 'https://social.test/', accessToken: 'm-token' },
	mediaPipelineXOAuth2Api: { oauthTokenData: { access_token: 'x-token', refresh_token: 'x-refresh' } },
};
const fields = { platforms: ['mastodon'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original' };

/** As `build`, with an X that answers `whoAmI`. */
async function buildWithX(parameters: Record<string, unknown>, whoAmI: () => unknown, times = 1, token = credentials.mediaPipelineXOAuth2Api.oauthTokenData as object) {
	const { context } = fakeContext({ parameters, credentials: { ...credentials, mediaPipelineXOAuth2Api: { oauthTokenData: token } } });
	const asked: string[] = [];
	context.helpers.httpRequestWithAuthentication = (_type, options) => {
		asked.push(options.url);
		return Promise.resolve().then(whoAmI);
	};
	const read = readParameter(context, 0);
	const built = [];
	for (let itemIndex = 0; itemIndex < times; itemIndex++) built.push(await post.build({ context, itemIndex, read }));
	return { built, asked };
}

describe('Post', () => {
	it('publishes to Mastodon with the token and the instance of the credential', async () => {
		expect(await build(post, fields, { credentials })).toEqual([
			{
				operation: 'publish',
				asset_id: 'a1',
				params: { platform: 'mastodon', text: 'Hello', media: [{ file: 'original' }] },
				secrets: { access_token: 'm-token', base_url: 'https://social.test' },
			},
		]);
	});

	it('makes one request per platform, each with its own text and its own secrets', async () => {
		const parameters = { ...fields, platforms: ['mastodon', 'x'], platformTexts: { entry: [{ platform: 'x', text: 'Short' }] } };
		const { built } = await buildWithX(parameters, () => ({}));
		expect(built[0]?.map(({ params, secrets }) => [params?.platform, params?.text, secrets?.access_token])).toEqual([
			['mastodon', 'Hello', 'm-token'],
			['x', 'Short', 'x-token'],
		]);
	});

	it('looks at X once per run, however many items there are, so that an old token is refreshed', async () => {
		const { asked } = await buildWithX({ ...fields, platforms: ['x'] }, () => ({}), 3);
		expect(asked).toEqual(['https://api.x.com/2/users/me']);
	});

	it('does not look at X when the token cannot be refreshed anyway', async () => {
		const { built, asked } = await buildWithX({ ...fields, platforms: ['x'] }, () => ({}), 1, { access_token: 'only-token' });
		expect(asked).toEqual([]);
		expect(built[0]?.[0]?.secrets).toEqual({ access_token: 'only-token' });
	});

	it('goes on with the stored token when X cannot be reached, and stops when X refuses it', async () => {
		const fail = (error: object) => () => {
			throw Object.assign(new Error('no'), error);
		};
		const { built } = await buildWithX({ ...fields, platforms: ['x'] }, fail({ code: 'ENOTFOUND' }));
		expect(built[0]).toHaveLength(1);
		await expect(buildWithX({ ...fields, platforms: ['x'] }, fail({ response: { status: 401 } }))).rejects.toThrow('X refuses the credential');
	});

	it('names the platform whose account is missing', async () => {
		await expect(build(post, fields, { credentials: {} })).rejects.toThrow('Mastodon is chosen, but no Mastodon account');
	});

	it.each([
		[['friendster'], '"friendster"'],
		[[], '"Platforms" is empty'],
		['', '"Platforms" is empty'],
	])('refuses the platforms %j', async (platforms, message) => {
		await expect(build(post, { ...fields, platforms }, { credentials })).rejects.toThrow(message);
	});

	it('takes platforms as an expression may give them, each once', async () => {
		expect(await build(post, { ...fields, platforms: ' Mastodon, mastodon ' }, { credentials })).toHaveLength(1);
	});

	it.each([
		['a file by name', { mediaFile: 'file', fileName: 'compressed.mp4' }, { file: 'compressed.mp4' }],
		['the output of a job', { mediaFile: 'job', jobId: 'j1' }, { job_id: 'j1' }],
	])('attaches %s', async (_name, choice, media) => {
		expect(await build(post, { ...fields, ...choice, options: { altText: 'A cat' } }, { credentials })).toMatchObject([
			{ params: { media: [{ ...media, alt_text: 'A cat' }] } },
		]);
	});

	it('posts text alone, without an asset', async () => {
		const [item] = await build(post, { ...fields, attachMedia: false, assetId: undefined }, { credentials });
		expect(item).not.toHaveProperty('asset_id');
		expect(item?.params).toEqual({ platform: 'mastodon', text: 'Hello', media: [] });
	});

	it('gives a time without a zone that of the workflow, and refuses what is no time', async () => {
		const { context } = fakeContext({ parameters: { ...fields, options: { scheduledAt: '2030-01-01 10:00' } }, credentials });
		const asked: string[] = [];
		context.evaluateExpression = (expression) => {
			asked.push(expression);
			return '2030-01-01T10:00:00.000+02:00';
		};
		const [item] = await post.build({ context, itemIndex: 0, read: readParameter(context, 0) });
		expect(item?.params?.scheduled_at).toBe('2030-01-01T10:00:00.000+02:00');
		expect(asked).toEqual(['{{ DateTime.fromISO("2030-01-01T10:00").toISO() }}']);
		await expect(build(post, { ...fields, options: { scheduledAt: 'tomorrow' } }, { credentials })).rejects.toThrow('"Publish At"');
	});

	it('passes the options on', async () => {
		const options = { visibility: 'unlisted', language: 'en', sensitive: true, spoilerText: 'Spoiler', scheduledAt: '2030-01-01T00:00:00Z', idempotencyKey: 'k' };
		const [item] = await build(post, { ...fields, options }, { credentials });
		expect(item?.params).toMatchObject({
			visibility: 'unlisted',
			language: 'en',
			sensitive: true,
			spoiler_text: 'Spoiler',
			scheduled_at: '2030-01-01T00:00:00Z',
			idempotency_key: 'k',
		});
	});
});
