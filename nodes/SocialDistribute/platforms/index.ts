import { mastodon } from './mastodon';
import type { Platform } from './platform';
import { x } from './x';

/** Adding a platform: one file, one entry here, and its credential in the node's description. */
export const platforms: readonly Platform[] = [mastodon, x];
