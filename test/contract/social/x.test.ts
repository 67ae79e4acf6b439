import { describePublishing } from './suite.ts';

describePublishing('x');
