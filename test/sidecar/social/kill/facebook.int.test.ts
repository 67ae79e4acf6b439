import { describeKills } from './suite.ts';

describeKills('facebook');
