import { linkedin } from './linkedin.ts';
import { mastodon } from './mastodon.ts';
import type { StartStage } from './stage.ts';
import { x } from './x.ts';
import { youtube } from './youtube.ts';

/** Every platform that can be posted to, by name. */
export const STAGES: Record<string, StartStage> = { linkedin, mastodon, x, youtube };
