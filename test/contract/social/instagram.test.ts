import { describePublishing } from './suite.ts';

describePublishing('instagram');
