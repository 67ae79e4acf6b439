import { describeKills } from './suite.ts';

describeKills('linkedin');
