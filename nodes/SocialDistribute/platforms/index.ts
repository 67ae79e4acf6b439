import type { INodeCredentialDescription } from 'n8n-workflow';
import { SIDECAR_CREDENTIAL } from '../../shared/sidecar';
import { bluesky } from './bluesky';
import { facebook } from './facebook';
import { mastodon } from './mastodon';
import { pinterest } from './pinterest';
import type { Platform } from './platform';
import { tiktok } from './tiktok';
import { x } from './x';
import { youtube } from './youtube';

/** In the order of their names. Adding a platform: one file, and one entry here. */
export const platforms: readonly Platform[] = [bluesky, facebook, mastodon, pinterest, tiktok, x, youtube];

/** Not required: a workflow that chooses its platforms by expression must start without those it does not use. */
export const credentials: INodeCredentialDescription[] = [
	{ name: SIDECAR_CREDENTIAL, required: true },
	...platforms.flatMap((platform) =>
		platform.credentials.map((name) => ({ name, displayOptions: { show: { platforms: [platform.value] } } })),
	),
];
