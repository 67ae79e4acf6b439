import { createHash } from 'node:crypto';
import { PipelineError } from '../errors.ts';

/**
 * The layout of requirement I9. Keys are made here and nowhere else: of ids, of names that operations chose, and of
 * extensions from a magic number, never of text from outside.
 */

/** The original of an asset: `raw/{workspace}/{asset}.{ext}`. Private. */
export const rawKey = (workspaceId: string, assetId: string, extension: string): string =>
	assertKey(`raw/${workspaceFolder(workspaceId)}/${assetId}.${extension.toLowerCase() || 'bin'}`);

/** What has taken the place of an original (workspace setting `originals: replace`): `raw/{workspace}/{asset}_master.{ext}`. Private, as the original was. */
export const masterKey = (workspaceId: string, assetId: string, extension: string): string =>
	assertKey(`raw/${workspaceFolder(workspaceId)}/${assetId}_master.${extension}`);

/** A later original of an asset: `raw/{workspace}/{asset}_v2.{ext}`. Private. */
export const versionKey = (workspaceId: string, assetId: string, version: number, extension: string): string => rawKey(workspaceId, `${assetId}_v${version}`, extension);

/** An upload that has not been checked yet: `incoming/{workspace}/{asset}`. */
export const incomingKey = (workspaceId: string, assetId: string): string =>
	assertKey(`incoming/${workspaceFolder(workspaceId)}/${assetId}`);

/** What a job made: `jobs/{workspace}/{job}/{name}`. Private, handed out by signed links. */
export const jobKey = (workspaceId: string, jobId: string, name: string): string =>
	assertKey(`jobs/${workspaceFolder(workspaceId)}/${jobId}/${name}`);

/** What anyone may fetch: `public/{workspace}/{asset}_thumb.webp`. */
export const publicKey = (workspaceId: string, name: string): string =>
	assertKey(`public/${workspaceFolder(workspaceId)}/${name}`);

/** Every folder that a workspace has files in, each with its last slash: without it, those of `acme-2` would be among those of `acme`. */
export const foldersOf = (workspaceId: string): string[] => ['raw', 'incoming', 'jobs', 'public'].map((kind) => `${kind}/${workspaceFolder(workspaceId)}/`);

/** One folder per workspace, different for different ids. An id that is no plain folder name is replaced and marked with a hash. */
export function workspaceFolder(workspaceId: string): string {
	if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(workspaceId)) return workspaceId;
	const plain =
		workspaceId
			.toLowerCase()
			.replace(/[^a-z0-9]+/g, '-')
			.replace(/^-|-$/g, '')
			.slice(0, 40) || 'w';
	// The double dash keeps these apart from ids that look like a replaced one: see the test.
	return `${plain}--${createHash('sha256').update(workspaceId).digest('hex').slice(0, 16)}`;
}

/** Longest key of S3 is 1024 bytes; the longest name of a file on ext4 and NTFS 255. */
const MAX_KEY = 1024;
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/;

/**
 * Returns the key, or throws `invalid_request`: relative, `/` between segments of letters, digits, `.`, `_`, `-`, none of
 * which begins with a dot. So there is no `..`, no NUL, no absolute path, nothing hidden, and nothing to escape in a URL.
 */
export function assertKey(key: string): string {
	if (!isKey(key)) {
		throw new PipelineError(
			'invalid_request',
			'This is not the key of a stored file. Expected a relative path like raw/default/4f0c.mp4.',
		);
	}
	return key;
}

/** Whether it is such a key. What others have put beside our files is none of ours: `.DS_Store`, `.nfs0001`, `holiday 1.mp4`. */
export function isKey(text: string): boolean {
	return text.length <= MAX_KEY && text.split('/').every((segment) => SEGMENT.test(segment));
}
