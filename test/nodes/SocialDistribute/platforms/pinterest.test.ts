import { post } from '../../../../nodes/SocialDistribute/operations/post';
import { pinterest } from '../../../../nodes/SocialDistribute/platforms/pinterest';
import { build } from '../../support/build';

const credentials = { mediaPipelinePinterestOAuth2Api: { oauthTokenData: { access_token: 'p-token' } } };
const fields = { platforms: ['pinterest'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original' };

describe('Pinterest', () => {
	it('sends the board and its section, and the token of the credential', async () => {
		const [item] = await build(post, { ...fields, pinterestOptions: { board: 'Recipes', boardSectionId: '77' } }, { credentials });
		expect(item).toMatchObject({
			params: { platform: 'pinterest', settings: { board: 'Recipes', board_section_id: '77' } },
			secrets: { access_token: 'p-token' },
		});
	});

	it('takes a section as an expression gives it', async () => {
		const [item] = await build(post, { ...fields, pinterestOptions: { board: ' Recipes', boardSectionId: 77 } }, { credentials });
		expect(item?.params).toMatchObject({ settings: { board: 'Recipes', board_section_id: '77' } });
	});

	it('leaves out what is empty', async () => {
		const [item] = await build(post, { ...fields, pinterestOptions: { board: '', boardSectionId: '' } }, { credentials });
		expect(item?.params).not.toHaveProperty('settings');
	});

	it('has a field for everything that it sends', () => {
		const asked: string[] = [];
		pinterest.settings?.((name) => void asked.push(name));
		expect([...new Set(asked)].sort()).toEqual(pinterest.fields?.map(({ name }) => name).sort());
	});
});
