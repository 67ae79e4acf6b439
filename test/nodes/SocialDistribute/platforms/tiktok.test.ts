import { post } from '../../../../nodes/SocialDistribute/operations/post';
import { tiktok } from '../../../../nodes/SocialDistribute/platforms/tiktok';
import { build } from '../../support/build';

const credentials = { mediaPipelineTikTokOAuth2Api: { oauthTokenData: { access_token: 'act.1' } } };
const fields = { platforms: ['tiktok'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original' };

describe('TikTok', () => {
	it('sends what was chosen, and the token of the credential', async () => {
		const tiktokOptions = { privacy: 'followers', allowComments: true, paidPartnership: true, coverPhoto: 2 };
		const [item] = await build(post, { ...fields, tiktokOptions }, { credentials });
		expect(item).toMatchObject({
			params: { platform: 'tiktok', settings: { privacy: 'followers', allow_comments: true, paid_partnership: true, cover_photo: 2 } },
			secrets: { access_token: 'act.1' },
		});
	});

	it('chooses no privacy that the user has not chosen', async () => {
		const [item] = await build(post, { ...fields, tiktokOptions: { privacy: '', mode: 'inbox' } }, { credentials });
		expect(item?.params).toMatchObject({ settings: { mode: 'inbox' } });
		expect(item?.params?.settings).not.toHaveProperty('privacy');
		expect(tiktok.fields?.find(({ name }) => name === 'privacy')?.default).toBe('');
	});

	it('has a field for everything that it sends', () => {
		const asked: string[] = [];
		tiktok.settings?.((name) => void asked.push(name));
		expect([...new Set(asked)].sort()).toEqual(tiktok.fields?.map(({ name }) => name).sort());
	});
});
