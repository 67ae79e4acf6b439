import { describePublishing } from './suite.ts';

describePublishing('pinterest');
