import { ConfigError, type Config } from '../config.ts';
import { createCloudinaryStorage } from '../storage/cloudinary.ts';
import { readCloudinaryUrl } from '../storage/cloudinary/signature.ts';
import { createGcsStorage } from '../storage/gcs.ts';
import type { Storage } from '../storage/storage.ts';
import { createSupabaseStorage } from '../storage/supabase.ts';

export type CloudConfig = Pick<Config, Extract<keyof Config, 'GOOGLE_APPLICATION_CREDENTIALS' | `GCS_${string}` | `SUPABASE_${string}` | `CLOUDINARY_${string}`>>;

/** Null, as of the others: not configured. All throw ConfigError with the variable that is missing or wrong, never with what it holds. */
export function gcs(config: CloudConfig): Storage | null {
	const { GCS_BUCKET: bucket, GCS_CREDENTIALS, GOOGLE_APPLICATION_CREDENTIALS } = config;
	const credentials = GCS_CREDENTIALS ?? GOOGLE_APPLICATION_CREDENTIALS;
	if (!bucket) {
		if (GCS_CREDENTIALS) throw new ConfigError(['GCS_BUCKET: must be set together with GCS_CREDENTIALS.']);
		return null;
	}
	if (!credentials) throw new ConfigError(['GCS_CREDENTIALS: must be set together with GCS_BUCKET: the JSON key of a service account, or the path of its file.']);
	return naming(GCS_CREDENTIALS ? 'GCS_CREDENTIALS' : 'GOOGLE_APPLICATION_CREDENTIALS', () =>
		createGcsStorage({ bucket, credentials, prefix: config.GCS_PREFIX, baseUrl: config.GCS_API_BASE_URL }),
	);
}

export function supabase({ SUPABASE_URL: url, SUPABASE_SERVICE_KEY: serviceKey, SUPABASE_BUCKET: bucket }: CloudConfig): Storage | null {
	if (!url && !serviceKey) return null;
	if (!url || !serviceKey) throw new ConfigError([`${url ? 'SUPABASE_SERVICE_KEY' : 'SUPABASE_URL'}: must be set together with ${url ? 'SUPABASE_URL' : 'SUPABASE_SERVICE_KEY'}.`]);
	return createSupabaseStorage({ url, serviceKey, bucket });
}

export function cloudinary(config: CloudConfig): Storage | null {
	const { CLOUDINARY_URL: url } = config;
	if (!url) return null;
	return createCloudinaryStorage({
		account: naming('CLOUDINARY_URL', () => readCloudinaryUrl(url)),
		folder: config.CLOUDINARY_FOLDER,
		eager: config.CLOUDINARY_EAGER,
		apiBaseUrl: config.CLOUDINARY_API_BASE_URL,
		deliveryBaseUrl: config.CLOUDINARY_DELIVERY_BASE_URL,
	});
}

function naming<T>(variable: string, make: () => T): T {
	try {
		return make();
	} catch (error) {
		throw new ConfigError([`${variable}: ${error instanceof Error ? error.message : 'cannot be used'}`]);
	}
}
