import { describePublishing } from './suite.ts';

describePublishing('linkedin');
