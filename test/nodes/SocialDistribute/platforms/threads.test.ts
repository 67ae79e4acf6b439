import { post } from '../../../../nodes/SocialDistribute/operations/post';
import { threads } from '../../../../nodes/SocialDistribute/platforms/threads';
import { build } from '../../support/build';

const credentials = { mediaPipelineThreadsOAuth2Api: { longLivedToken: 'THAA.long' } };
const fields = { platforms: ['threads'], text: 'Hello', assetId: 'a1', attachMedia: true, mediaFile: 'original' };

describe('Threads', () => {
	it('sends what was chosen, and the token of the credential', async () => {
		const [item] = await build(post, { ...fields, threadsOptions: { topic: 'Travel', replyControl: 'followers_only' } }, { credentials });
		expect(item).toMatchObject({ params: { platform: 'threads', settings: { topic: 'Travel', reply_control: 'followers_only' } }, secrets: { access_token: 'THAA.long' } });
	});

	it('sends nothing that was not chosen', async () => {
		const [item] = await build(post, { ...fields, threadsOptions: { replyControl: '' } }, { credentials });
		expect(item?.params?.settings ?? {}).toEqual({});
	});

	it('has a field for everything that it sends', () => {
		const asked: string[] = [];
		threads.settings?.((name) => void asked.push(name));
		expect([...new Set(asked)].sort()).toEqual(threads.fields?.map(({ name }) => name).sort());
	});
});
