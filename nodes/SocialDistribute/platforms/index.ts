import type { INodeCredentialDescription } from 'n8n-workflow';
import { SIDECAR_CREDENTIAL } from '../../shared/sidecar';
import { bluesky } from './bluesky';
import { facebook } from './facebook';
import { instagram } from './instagram';
import { linkedin } from './linkedin';
import { mastodon } from './mastodon';
import { pinterest } from './pinterest';
import type { Platform } from './platform';
import { threads } from './threads';
import { tiktok } from './tiktok';
import { x } from './x';
import { youtube } from './youtube';

/** In the order of their names. Adding a platform: one file, and one entry here. */
export const platforms: readonly Platform[] = [bluesky, facebook, instagram, linkedin, mastodon, pinterest, threads, tiktok, x, youtube];

/** Several platforms may share a type of credential: it stands in the list once. */
const credentialTypes = [...new Set(platforms.flatMap((platform) => platform.credentials))];

/**
 * Not required: a workflow that chooses its platforms by expression must start without those it does not use. The slash means the node's own
 * parameter, as the bare name does; but by the bare name n8n's editor takes "Platforms" for the choice of how to sign in, and hides it, and
 * "Operation" with it.
 */
export const credentials: INodeCredentialDescription[] = [
	{ name: SIDECAR_CREDENTIAL, required: true },
	...credentialTypes.map((name) => ({
		name,
		displayOptions: {
			show: { '/platforms': platforms.filter((platform) => platform.credentials.includes(name)).map(({ value }) => value) },
		},
	})),
];
