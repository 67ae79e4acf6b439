import { post } from '../../../../nodes/SocialDistribute/operations/post';
import { credentials as nodeCredentials } from '../../../../nodes/SocialDistribute/platforms';
import { facebook } from '../../../../nodes/SocialDistribute/platforms/facebook';
import { build } from '../../support/build';

const credentials = { facebookGraphApi: { accessToken: ' page-token\n' } };
const fields = { platforms: ['facebook'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original' };

describe('Facebook', () => {
	it('sends the Page and the form, and the token of the credential without the blanks around it', async () => {
		const [item] = await build(post, { ...fields, facebookOptions: { pageId: '110000000000000123', form: 'story' } }, { credentials });
		expect(item).toMatchObject({
			params: { platform: 'facebook', settings: { page_id: '110000000000000123', form: 'story' } },
			secrets: { access_token: 'page-token' },
		});
	});

	it('leaves out what is empty', async () => {
		const [item] = await build(post, { ...fields, facebookOptions: { pageId: '' } }, { credentials });
		expect(item?.params).not.toHaveProperty('settings');
	});

	it('wants a token', async () => {
		await expect(build(post, fields, { credentials: { facebookGraphApi: { accessToken: '' } } })).rejects.toThrow('holds no access token');
		await expect(build(post, fields, { credentials: {} })).rejects.toThrow('no Facebook account');
	});

	it('has a field for everything that it sends', () => {
		const asked: string[] = [];
		facebook.settings?.((name) => void asked.push(name));
		expect([...new Set(asked)].sort()).toEqual(facebook.fields?.map(({ name }) => name).sort());
	});

	it('shares its credential with others: the type stands in the list once', () => {
		const types = nodeCredentials.map(({ name }) => name);
		expect(types).toEqual([...new Set(types)]);
		expect(nodeCredentials.find(({ name }) => name === 'facebookGraphApi')?.displayOptions?.show?.['/platforms']).toContain('facebook');
	});
});
