import { describePublishing } from './suite.ts';

describePublishing('youtube');
