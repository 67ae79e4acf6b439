import { bluesky } from './bluesky.ts';
import { facebook } from './facebook.ts';
import { instagram } from './instagram.ts';
import { linkedin } from './linkedin.ts';
import { mastodon } from './mastodon.ts';
import { pinterest } from './pinterest.ts';
import type { StartStage } from './stage.ts';
import { threads } from './threads.ts';
import { tiktok } from './tiktok.ts';
import { x } from './x.ts';
import { youtube } from './youtube.ts';

/** Every platform that can be posted to, by name. */
export const STAGES: Record<string, StartStage> = { bluesky, facebook, instagram, linkedin, mastodon, pinterest, threads, tiktok, x, youtube };
