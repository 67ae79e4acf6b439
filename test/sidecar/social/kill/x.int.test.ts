import { describeKills } from './suite.ts';

describeKills('x');
