import { describeKills } from './suite.ts';

describeKills('threads');
