import { describePublishing } from './suite.ts';

describePublishing('bluesky');
