import { describeKills } from './suite.ts';

describeKills('mastodon');
