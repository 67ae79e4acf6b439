import { post } from '../../../../nodes/SocialDistribute/operations/post';
import { linkedin } from '../../../../nodes/SocialDistribute/platforms/linkedin';
import { build } from '../../support/build';

const token = { oauthTokenData: { access_token: 'li-token' } };
const fields = { platforms: ['linkedin'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original' };

describe('LinkedIn', () => {
	it.each(['linkedInOAuth2Api', 'linkedInCommunityManagementOAuth2Api'])('sends the page and its options, and the token of %s', async (type) => {
		const linkedinOptions = { organization: '2414183', linkDescription: 'What it is about', disableReshare: true };
		const [item] = await build(post, { ...fields, linkedinOptions }, { credentials: { [type]: token } });
		expect(item).toMatchObject({
			params: {
				platform: 'linkedin',
				settings: { organization: '2414183', link_description: 'What it is about', disable_reshare: true },
			},
			secrets: { access_token: 'li-token' },
		});
	});

	it.each([2414183, ' 2414183\n'])('takes the page as an expression or a copy gives it: %j', async (organization) => {
		const [item] = await build(post, { ...fields, linkedinOptions: { organization } }, { credentials: { linkedInOAuth2Api: token } });
		expect(item?.params).toMatchObject({ settings: { organization: '2414183' } });
	});

	it('leaves out what is empty', async () => {
		const [item] = await build(post, { ...fields, linkedinOptions: { organization: '' } }, { credentials: { linkedInOAuth2Api: token } });
		expect(item?.params).not.toHaveProperty('settings');
	});

	it('has a field for everything that it sends', () => {
		const asked: string[] = [];
		linkedin.settings?.((name) => void asked.push(name));
		expect([...new Set(asked)].sort()).toEqual(linkedin.fields?.map(({ name }) => name).sort());
	});
});
