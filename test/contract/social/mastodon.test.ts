import { describePublishing } from './suite.ts';

describePublishing('mastodon');
