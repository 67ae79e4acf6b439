import { describePublishing } from './suite.ts';

describePublishing('facebook');
