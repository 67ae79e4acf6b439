import { describeKills } from './suite.ts';

describeKills('bluesky');
