import { join } from 'node:path';
import { ConfigError, type Config } from '../config.ts';
import type { Database } from '../db/database.ts';
import { ownPlacements } from '../db/workspace-storage.ts';
import { createStorageByWorkspace, type ByWorkspace } from '../storage/by-workspace.ts';
import { createDiskStorage } from '../storage/disk.ts';
import { createS3Storage } from '../storage/s3.ts';
import type { Storage } from '../storage/storage.ts';
import { cloudinary, gcs, supabase, type CloudConfig } from './clouds.ts';

type StorageConfig = Pick<Config, Extract<keyof Config, 'STORAGE' | 'PUBLIC_STORAGE' | `S3_${string}`>> & CloudConfig;

interface BackEnd {
	name: string;
	/** The variables that make it: named in front of what is wrong with it. */
	variables: string;
	/** Null: none of its variables is set. Throws ConfigError when some are missing. */
	create(config: StorageConfig, dataDir: string): Storage | null;
}

const withSlash = (prefix: string): string => prefix.replace(/^\/+/, '').replace(/([^/])\/*$/, '$1/');

/** One line per back end. */
const BACK_ENDS: readonly BackEnd[] = [
	{ name: 'disk', variables: 'DATA_DIR', create: (_config, dataDir) => createDiskStorage({ root: join(dataDir, 'files') }) },
	{ name: 's3', variables: 'S3_ENDPOINT, S3_BUCKET', create: s3 },
	{ name: 'gcs', variables: 'GCS_BUCKET, GCS_CREDENTIALS', create: gcs },
	{ name: 'supabase', variables: 'SUPABASE_URL, SUPABASE_SERVICE_KEY, SUPABASE_BUCKET', create: supabase },
	{ name: 'cloudinary', variables: 'CLOUDINARY_URL', create: cloudinary },
];

function s3(config: StorageConfig): Storage | null {
	const { S3_BUCKET: bucket, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = config;
	if (!bucket) return null;
	if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
		throw new ConfigError([`${accessKeyId === undefined ? 'S3_ACCESS_KEY_ID' : 'S3_SECRET_ACCESS_KEY'}: must be set together with the other one. Without both, the keys are found as the AWS SDK finds them.`]);
	}
	return createS3Storage({
		bucket,
		endpoint: config.S3_ENDPOINT,
		publicEndpoint: config.S3_PUBLIC_ENDPOINT,
		region: config.S3_REGION,
		credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined,
		forcePathStyle: config.S3_FORCE_PATH_STYLE,
		prefix: withSlash(config.S3_PREFIX),
		archiveClass: config.S3_ARCHIVE_CLASS,
		direct: config.S3_DIRECT,
	});
}

export interface BackEnds {
	all: ReadonlyMap<string, Storage>;
	/** Everything that is wrong with them, each with the variables to look at. */
	prepare(): Promise<string[]>;
}

/** Every back end whose variables are set. Throws ConfigError with all problems at once. */
export function createBackEnds(config: StorageConfig, dataDir: string): BackEnds {
	const problems: string[] = [];
	const all = new Map<string, Storage>();
	for (const { name, create } of BACK_ENDS) {
		try {
			const storage = create(config, dataDir);
			if (storage) all.set(name, storage);
		} catch (error) {
			if (!(error instanceof ConfigError)) throw error;
			problems.push(...error.problems);
		}
	}
	for (const variable of ['STORAGE', 'PUBLIC_STORAGE'] as const) {
		const name = config[variable];
		if (problems.length === 0 && name !== undefined && !all.has(name)) problems.push(`${variable}: ${name} is not configured. Set its variables (docs/storage.md).`);
	}
	if (problems.length > 0) throw new ConfigError(problems);
	return {
		all,
		async prepare() {
			const found = await Promise.all(
				BACK_ENDS.map(async ({ name, variables }) => {
					const problem = await all.get(name)?.prepare().then(() => null, (error: Error) => error.message);
					return problem ? [`${variables}: ${problem}`] : [];
				}),
			);
			return found.flat();
		},
	};
}

/** The one storage that everything else uses. Throws ConfigError for workspaces with files in a back end that is not configured. */
export async function composeStorage({ all }: BackEnds, config: StorageConfig, db: Database): Promise<ByWorkspace> {
	const storage = await createStorageByWorkspace({ backends: all, standard: config.STORAGE, publicFiles: config.PUBLIC_STORAGE ?? null, placements: () => ownPlacements(db) });
	const problems = await storage.unknownBackends();
	if (problems.length > 0) throw new ConfigError(problems);
	return storage;
}
