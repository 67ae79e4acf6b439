import { describePublishing } from './suite.ts';

describePublishing('threads');
