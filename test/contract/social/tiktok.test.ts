import { describePublishing } from './suite.ts';

describePublishing('tiktok');
