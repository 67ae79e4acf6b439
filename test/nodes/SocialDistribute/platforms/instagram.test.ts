import { post } from '../../../../nodes/SocialDistribute/operations/post';
import { instagram } from '../../../../nodes/SocialDistribute/platforms/instagram';
import { credentials as listed } from '../../../../nodes/SocialDistribute/platforms';
import { build } from '../../support/build';

const own = { mediaPipelineInstagramOAuth2Api: { longLivedToken: ' IGAA.long ', oauthTokenData: { access_token: 'IGAA.short' } } };
const facebook = { facebookGraphApi: { accessToken: 'EAAB.token' } };
const fields = { platforms: ['instagram'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original' };
const secretsOf = async (credentials: object) => (await build(post, fields, { credentials: credentials as typeof own }))[0]?.secrets;

describe('Instagram', () => {
	it('tells which login it is by the credential that is chosen', async () => {
		expect(await secretsOf(own)).toEqual({ login: 'instagram', access_token: 'IGAA.long' });
		expect(await secretsOf(facebook)).toEqual({ login: 'facebook', access_token: 'EAAB.token' });
		// The Facebook credential may be there for Facebook.
		expect(await secretsOf({ ...own, ...facebook })).toEqual({ login: 'instagram', access_token: 'IGAA.long' });
	});

	it.each([
		['the token of connecting', { access_token: 'IGAA.short' }],
		['the same in a list', { data: [{ access_token: 'IGAA.short' }] }],
	])('takes %s where no long-lived one is given', async (_, oauthTokenData) => {
		expect(await secretsOf({ mediaPipelineInstagramOAuth2Api: { longLivedToken: '', oauthTokenData } })).toEqual({ login: 'instagram', access_token: 'IGAA.short' });
	});

	it.each([
		[{ mediaPipelineInstagramOAuth2Api: { longLivedToken: '' } }, 'The Instagram credential holds no token'],
		[{ facebookGraphApi: { accessToken: ' ' } }, 'The Facebook credential holds no access token'],
		[{}, 'Instagram is chosen, but no Instagram account'],
	])('says what is missing in %j', async (credentials, message) => {
		await expect(secretsOf(credentials)).rejects.toThrow(message);
	});

	it('sends what was chosen, lists of names without @', async () => {
		const instagramOptions = { placement: 'story', collaborators: '@anna, ben', taggedAccounts: 'carl', shareToFeed: false };
		const [item] = await build(post, { ...fields, instagramOptions }, { credentials: own });
		expect(item?.params).toMatchObject({ settings: { placement: 'story', collaborators: ['anna', 'ben'], user_tags: [{ username: 'carl' }], share_to_feed: false } });
	});

	it('has a field for everything that it sends', () => {
		const asked: string[] = [];
		instagram.settings?.((name) => void asked.push(name));
		expect([...new Set(asked)].sort()).toEqual(instagram.fields?.map(({ name }) => name).sort());
	});

	it('shares a type of credential with Facebook, which the node lists once', () => {
		const graph = listed.filter(({ name }) => name === 'facebookGraphApi');
		expect(graph).toEqual([{ name: 'facebookGraphApi', displayOptions: { show: { '/platforms': ['facebook', 'instagram'] } } }]);
	});
});
