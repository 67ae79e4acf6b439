import { createBackEnds } from '../../../sidecar/src/compose/storage.ts';
import { ConfigError, readConfig } from '../../../sidecar/src/config.ts';
import { startCloudinaryEmulator } from '../../platforms/cloudinary.ts';
import { startGcsEmulator } from '../../platforms/gcs.ts';
import { startSupabaseEmulator } from '../../platforms/supabase-storage.ts';

const open = (environment: Record<string, string>) => createBackEnds(readConfig(environment), '/nowhere');
const problemsOf = (environment: Record<string, string>): string[] => {
	try {
		open(environment);
		return [];
	} catch (error) {
		if (error instanceof ConfigError) return error.problems;
		throw error;
	}
};

describe('stores in the cloud, from variables', () => {
	it('are there when their variables are set, and found to work', async () => {
		const [gcs, supabase, cloudinary] = await Promise.all([startGcsEmulator(), startSupabaseEmulator(), startCloudinaryEmulator()]);
		try {
			const ends = open({
				PUBLIC_STORAGE: 'cloudinary',
				STORAGE: 'gcs',
				GCS_BUCKET: gcs.bucket,
				GCS_CREDENTIALS: gcs.credentials,
				GCS_API_BASE_URL: gcs.url,
				SUPABASE_URL: supabase.url,
				SUPABASE_SERVICE_KEY: supabase.serviceKey,
				CLOUDINARY_URL: cloudinary.cloudinaryUrl,
				CLOUDINARY_API_BASE_URL: cloudinary.url,
				CLOUDINARY_DELIVERY_BASE_URL: cloudinary.url,
			});
			expect([...ends.all.keys()]).toEqual(expect.arrayContaining(['gcs', 'supabase', 'cloudinary']));
			// The disk of this test is nowhere; the others answer.
			expect((await ends.prepare()).filter((problem) => !problem.startsWith('DATA_DIR'))).toEqual([]);
			await cloudinary.close();
			const later = open({ SUPABASE_URL: supabase.url, SUPABASE_SERVICE_KEY: supabase.anonKey });
			expect(await later.prepare()).toContainEqual(expect.stringMatching(/^SUPABASE_URL.*role anon/));
		} finally {
			await Promise.all([gcs.close(), supabase.close(), cloudinary.close()]);
		}
	});

	it.each([
		['GCS_CREDENTIALS', { GCS_BUCKET: 'media' }],
		['GCS_BUCKET', { GCS_CREDENTIALS: '{"private_key":"s3cr3t-key"}' }],
		['GCS_CREDENTIALS', { GCS_BUCKET: 'media', GCS_CREDENTIALS: '{"private_key":"s3cr3t-key"}' }],
		['GOOGLE_APPLICATION_CREDENTIALS', { GCS_BUCKET: 'media', GOOGLE_APPLICATION_CREDENTIALS: '/no/such/s3cr3t-key.json' }],
		['SUPABASE_URL', { SUPABASE_SERVICE_KEY: 's3cr3t-key-of-20-characters' }],
		['SUPABASE_SERVICE_KEY', { SUPABASE_URL: 'https://abc.supabase.co' }],
		['CLOUDINARY_URL', { CLOUDINARY_URL: 'cloudinary://s3cr3t-key' }],
		['STORAGE', { STORAGE: 'gcs' }],
		['PUBLIC_STORAGE', { PUBLIC_STORAGE: 'cloudinary' }],
	] as const)('name %s where it is wrong or missing, and never what it holds', (variable, environment) => {
		const problems = problemsOf(environment);
		expect(problems).toEqual([expect.stringMatching(new RegExp(`^${variable}: `))]);
		expect(problems.join()).not.toContain('s3cr3t');
	});
});
