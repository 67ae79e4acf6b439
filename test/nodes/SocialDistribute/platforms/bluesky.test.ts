import { post } from '../../../../nodes/SocialDistribute/operations/post';
import { bluesky } from '../../../../nodes/SocialDistribute/platforms/bluesky';
import { MediaPipelineBlueskyApi } from '../../../../credentials/MediaPipelineBlueskyApi.credentials';
import { build } from '../../support/build';

const credentials = { mediaPipelineBlueskyApi: { serviceUrl: 'https://bsky.social/ ', handle: ' @demo.test', appPassword: 'abcd-efgh-ijkl-mnop ' } };
const fields = { platforms: ['bluesky'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original' };

describe('Bluesky', () => {
	it('sends its options, and handle and app password without what slips in when they are copied', async () => {
		const options = { asGif: true, labels: ['nudity'], languages: 'en, pt-BR,', linkDescription: 'About' };
		const [item] = await build(post, { ...fields, blueskyOptions: options }, { credentials });
		expect(item).toMatchObject({
			params: { platform: 'bluesky', settings: { as_gif: true, labels: ['nudity'], languages: ['en', 'pt-BR'], link_description: 'About' } },
			secrets: { access_token: 'abcd-efgh-ijkl-mnop', identifier: 'demo.test', base_url: 'https://bsky.social' },
		});
	});

	it('leaves out what is empty', async () => {
		const [item] = await build(post, { ...fields, blueskyOptions: { languages: ' , ', linkDescription: '' } }, { credentials });
		expect(item?.params).not.toHaveProperty('settings');
	});

	it('has a field for everything that it sends', () => {
		const asked: string[] = [];
		bluesky.settings?.((name) => void asked.push(name));
		expect([...new Set(asked)].sort()).toEqual(bluesky.fields?.map(({ name }) => name).sort());
	});

	it('has a credential that hides its password and is tested by signing in', () => {
		const { test, properties } = new MediaPipelineBlueskyApi();
		expect(test.request).toMatchObject({ method: 'POST', url: '/xrpc/com.atproto.server.createSession' });
		expect(properties.filter(({ typeOptions }) => typeOptions?.password).map(({ name }) => name)).toEqual(['appPassword']);
	});
});
