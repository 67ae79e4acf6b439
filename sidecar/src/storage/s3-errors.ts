import { PipelineError } from '../errors.ts';

/** Names of errors that say "there is no room": AWS, MinIO, Ceph, Supabase, Wasabi have each their own. */
const FULL = new Set(['QuotaExceeded', 'StorageQuotaExceeded', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded', 'InsufficientStorage', 'EntityTooLarge', 'ServiceQuotaExceededException']);
/** Names of errors that say "these keys may not do this". */
const REFUSED = new Set(['AccessDenied', 'Forbidden', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken', 'AllAccessDisabled', 'AccountProblem']);

interface S3Failure {
	name: string;
	status: number | undefined;
	message: string;
}

/** What of an error of the SDK may be looked at; the rest (what was signed, request headers) stays out of logs and answers. */
function failureOf(error: unknown): S3Failure {
	if (!(error instanceof Error)) return { name: 'unknown', status: undefined, message: String(error) };
	const { $metadata, code } = error as Error & { $metadata?: { httpStatusCode?: number }; code?: unknown };
	const name = error.name === 'Error' || error.name === 'TypeError' ? (typeof code === 'string' ? code : error.name) : error.name;
	return { name, status: $metadata?.httpStatusCode, message: error.message };
}

/** Whether the store said that there is no such file (a HEAD has no body that could name the error). */
export function isMissing(error: unknown): boolean {
	const { name, status } = failureOf(error);
	return name === 'NoSuchKey' || name === 'NotFound' || (status === 404 && name !== 'NoSuchBucket' && name !== 'NoSuchUpload');
}

export const isNamed = (error: unknown, ...names: string[]): boolean => names.includes(failureOf(error).name);

/** The multipart upload has been completed or aborted. Some stores say NoSuchKey. */
export const isUnknownUpload = (error: unknown): boolean => isNamed(error, 'NoSuchUpload') || isMissing(error);

/** 416: the range lies beyond the end. */
export const isBeyondEnd = (error: unknown): boolean => failureOf(error).status === 416 || isNamed(error, 'InvalidRange');

/** Any failure as an error of ours. `what`: the stored file (or the bucket), for the message. */
export function s3Error(error: unknown, bucket: string, key: string, doing: 'read' | 'written'): PipelineError {
	if (error instanceof PipelineError) return error;
	const failure = failureOf(error);
	const cause = new Error(`${failure.name}: ${failure.message}`);
	if (failure.name === 'NoSuchBucket') {
		return new PipelineError('storage_failed', `There is no bucket ${bucket}. Make it, or set S3_BUCKET (and S3_REGION, S3_ENDPOINT) to the one that is meant.`, { cause });
	}
	if (failure.name === 'InvalidObjectState') return archived(key, cause);
	if (doing === 'read' && isMissing(error)) return new PipelineError('not_found', `There is no stored file ${key}.`, { cause });
	if (FULL.has(failure.name) || failure.status === 507) {
		return new PipelineError('storage_full', `The bucket ${bucket} takes no more: its quota is used up. Free some space, or raise the quota at the provider.`, { cause });
	}
	if (REFUSED.has(failure.name) || failure.status === 401 || failure.status === 403) {
		return new PipelineError(
			'storage_failed',
			`The store refuses the keys for the bucket ${bucket} (${failure.name}): ${key} could not be ${doing}. Check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_REGION, and that they may get, put, delete and list there.`,
			{ cause },
		);
	}
	return new PipelineError('storage_failed', `The stored file ${key} could not be ${doing} (${failure.name}${failure.status ? `, status ${failure.status}` : ''}).`, { cause });
}

export const archived = (key: string, cause?: unknown): PipelineError =>
	new PipelineError('storage_archived', `The stored file ${key} lies in the archive: it must be fetched from there first, which takes minutes to hours. Then try again.`, { cause });
