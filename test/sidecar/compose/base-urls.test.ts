import { readConfig } from '../../../sidecar/src/config.ts';
import { checkBaseUrls } from '../../../sidecar/src/compose/base-urls.ts';
import { createGuard } from '../../../sidecar/src/net/guard.ts';

const problems = (environment: Record<string, string>): string[] => {
	const config = readConfig(environment);
	return checkBaseUrls(config, createGuard({ allowedPrivateHosts: config.ALLOWED_PRIVATE_HOSTS, allowHttp: config.ALLOW_HTTP }));
};

describe('addresses of services', () => {
	it('are all well as they are by default', () => expect(problems({})).toEqual([]));

	it.each(['S3_ENDPOINT', 'S3_PUBLIC_ENDPOINT', 'META_UPLOAD_BASE_URL', 'BLUESKY_VIDEO_BASE_URL', 'TIKTOK_API_BASE_URL', 'OPENAI_BASE_URL', 'DROPBOX_CONTENT_BASE_URL'])('%s is not reached in the clear over the internet', (name) => {
		expect(problems({ [name]: 'http://files.example.com' })).toEqual([expect.stringMatching(new RegExp(`^${name}: plain http:// to files.example.com`))]);
		expect(problems({ [name]: 'http://93.184.216.34' })).toHaveLength(1);
		expect(problems({ [name]: 'https://files.example.com' })).toEqual([]);
	});

	it.each(['http://minio:9000', 'http://127.0.0.1:9000', 'http://10.0.0.5:9000', 'http://store.internal'])('may be in the network of the operator: %s', (url) => expect(problems({ S3_ENDPOINT: url })).toEqual([]));

	it('may be public and in the clear where the operator says so', () => {
		expect(problems({ S3_ENDPOINT: 'http://files.example.com', ALLOWED_PRIVATE_HOSTS: 'files.example.com' })).toEqual([]);
		expect(problems({ S3_ENDPOINT: 'http://files.example.com', ALLOW_HTTP: 'true' })).toEqual([]);
	});

	it('have no query', () => expect(problems({ S3_ENDPOINT: 'https://files.example.com/?a=b' })).toEqual([expect.stringContaining('S3_ENDPOINT: ')]));

	it('of pages only stand in links', () => expect(problems({ X_WEB_BASE_URL: 'http://x.example.com' })).toEqual([]));
});
