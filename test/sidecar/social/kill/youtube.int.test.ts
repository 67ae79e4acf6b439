import { describeKills } from './suite.ts';

describeKills('youtube');
