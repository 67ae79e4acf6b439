import { describeKills } from './suite.ts';

describeKills('pinterest');
