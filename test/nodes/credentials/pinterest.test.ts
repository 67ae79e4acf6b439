import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MediaPipelinePinterestOAuth2Api } from '../../../credentials/MediaPipelinePinterestOAuth2Api.credentials';

const FOLDER = join(__dirname, '..', '..', '..', 'credentials');

describe('the credential of Pinterest', () => {
	const credential = new MediaPipelinePinterestOAuth2Api();
	const value = (name: string) => credential.properties.find((property) => property.name === name)?.default;

	it('asks for every scope that pins need, with commas as Pinterest wants them', () => {
		expect(value('scope')).toBe('boards:read,boards:write,pins:read,pins:write,user_accounts:read');
	});

	it('knows the addresses, and is tested on the account', () => {
		expect([value('grantType'), value('authUrl'), value('accessTokenUrl'), value('authentication')]).toEqual([
			'authorizationCode',
			'https://www.pinterest.com/oauth/',
			'https://api.pinterest.com/v5/oauth/token',
			'header',
		]);
		expect(credential.test.request).toEqual({ baseURL: 'https://api.pinterest.com/v5', url: '/user_account' });
	});

	it('has an icon for light and dark', () => {
		const { light, dark } = credential.icon as { light: string; dark: string };
		for (const icon of [light, dark]) expect(existsSync(join(FOLDER, icon.replace('file:', '')))).toBe(true);
	});
});
