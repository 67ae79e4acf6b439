import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MediaPipelineInstagramOAuth2Api } from '../../../credentials/MediaPipelineInstagramOAuth2Api.credentials';
import { MediaPipelineThreadsOAuth2Api } from '../../../credentials/MediaPipelineThreadsOAuth2Api.credentials';

const FOLDER = join(__dirname, '..', '..', '..', 'credentials');

describe.each([
	[
		'Instagram',
		new MediaPipelineInstagramOAuth2Api(),
		['https://www.instagram.com/oauth/authorize', 'https://api.instagram.com/oauth/access_token'],
		'instagram_business_basic,instagram_business_content_publish,instagram_business_manage_comments,instagram_business_manage_insights',
	],
	[
		'Threads',
		new MediaPipelineThreadsOAuth2Api(),
		['https://threads.com/oauth/authorize', 'https://graph.threads.net/oauth/access_token'],
		'threads_basic,threads_content_publish,threads_manage_replies,threads_read_replies,threads_manage_insights,threads_delete',
	],
])('the credential of %s', (_, credential, addresses, scope) => {
	const value = (name: string) => credential.properties.find((property) => property.name === name)?.default;

	it('knows the addresses, and asks for every scope with commas', () => {
		expect([value('authUrl'), value('accessTokenUrl')]).toEqual(addresses);
		expect(value('scope')).toBe(scope);
	});

	it('hides the token that can be pasted in', () => {
		const field = credential.properties.find(({ name }) => name === 'longLivedToken');
		expect(field?.typeOptions).toEqual({ password: true });
		expect(field?.required).toBeUndefined();
	});

	it('has an icon for light and dark', () => {
		const { light, dark } = credential.icon as { light: string; dark: string };
		for (const icon of [light, dark]) expect(existsSync(join(FOLDER, icon.replace('file:', '')))).toBe(true);
	});
});
