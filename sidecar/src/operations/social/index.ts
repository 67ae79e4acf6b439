import type { Database } from '../../db/database.ts';
import type { Operation } from '../operation.ts';
import { createBestTime } from './best-time.ts';
import { createCompareVariants } from './compare-variants.ts';
import { createDeletePost } from './delete-post.ts';
import { createGetPosts } from './get-posts.ts';
import { createPostStatus } from './post-status.ts';
import { createPublish, type PublishOptions } from './publish.ts';
import { createValidatePost } from './validate-post.ts';

/** Every operation on social platforms. Adding one: its file, and one entry here. */
export function createSocialOperations(options: PublishOptions & { db: Database }): Operation[] {
	const { platforms, publish, resolveMedia, db } = options;
	const { ledger } = publish;
	const own = { platforms, run: publish, find: ledger.find, ledger, db };
	return [
		createPublish(options),
		createValidatePost({ platforms, run: publish, resolveMedia }),
		createPostStatus(own),
		createDeletePost(own),
		createGetPosts(own),
		createBestTime({ platforms, db, now: publish.now }),
		createCompareVariants({ db }),
	];
}
