import type { NodeOperation } from '../../shared/operation';
import { bestTime } from './bestTime';
import { compareVariants } from './compareVariants';
import { deletePost } from './deletePost';
import { getPosts } from './getPosts';
import { getStatus } from './getStatus';
import { post } from './post';
import { schedule } from './schedule';
import { validate } from './validate';

/** The first one is preselected. */
export const operations: readonly NodeOperation[] = [post, validate, schedule, getStatus, getPosts, deletePost, bestTime, compareVariants];
