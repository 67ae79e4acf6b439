import { post } from '../../../../nodes/SocialDistribute/operations/post';
import { x } from '../../../../nodes/SocialDistribute/platforms/x';
import { build } from '../../support/build';

const credentials = { mediaPipelineXOAuth2Api: { oauthTokenData: { access_token: 'x-token' } } };
const fields = { platforms: ['x'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original' };

describe('X', () => {
	it('sends who may answer, and the labels', async () => {
		const xOptions = { replySettings: 'mentionedUsers', madeWithAi: true, paidPartnership: true };
		const [item] = await build(post, { ...fields, xOptions }, { credentials });
		expect(item?.params).toMatchObject({ settings: { reply_settings: 'mentionedUsers', made_with_ai: true, paid_partnership: true } });
	});

	it('leaves out what is as it would be anyway', async () => {
		const xOptions = { replySettings: 'everyone', madeWithAi: false, paidPartnership: false };
		const [item] = await build(post, { ...fields, xOptions }, { credentials });
		expect(item?.params).not.toHaveProperty('settings');
	});

	it('has a field for everything that it sends', () => {
		const asked: string[] = [];
		x.settings?.((name) => void asked.push(name));
		expect([...new Set(asked)].sort()).toEqual(x.fields?.map(({ name }) => name).sort());
	});
});
