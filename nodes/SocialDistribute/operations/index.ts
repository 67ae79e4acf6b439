import type { NodeOperation } from '../../shared/operation';
import { post } from './post';

export const operations: readonly NodeOperation[] = [post];
