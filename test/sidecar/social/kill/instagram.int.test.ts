import { describeKills } from './suite.ts';

describeKills('instagram');
