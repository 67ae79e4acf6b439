import { describeKills } from './suite.ts';

describeKills('tiktok');
