import { createHash } from 'node:crypto';

export interface CloudinaryAccount {
	cloud: string;
	apiKey: string;
	apiSecret: string;
}

/** Reads `cloudinary://{api key}:{api secret}@{cloud}`. Throws an Error in words; what was given is not in it. */
export function readCloudinaryUrl(given: string): CloudinaryAccount {
	const [, apiKey, apiSecret, cloud] = /^cloudinary:\/\/([^:@/\s]+):([^:@/\s]+)@([\w-]+)\/?$/.exec(given.trim()) ?? [];
	if (!apiKey || !apiSecret || !cloud) {
		throw new Error('Expected cloudinary://API_KEY:API_SECRET@CLOUD_NAME, as the Cloudinary console shows it under Settings, API Keys.');
	}
	return { cloud, apiKey, apiSecret };
}

/** The parameters with what proves them: SHA-256 over the sorted ones and the secret ("Generating authentication signatures"). */
export function signParameters({ apiKey, apiSecret }: CloudinaryAccount, parameters: Record<string, string>): Record<string, string> {
	const text = Object.entries(parameters)
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([name, value]) => `${name}=${value}`.replaceAll('&', '%26'))
		.join('&');
	return { ...parameters, api_key: apiKey, signature: createHash('sha256').update(text + apiSecret).digest('hex') };
}
