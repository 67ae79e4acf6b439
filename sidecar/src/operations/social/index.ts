import type { Operation } from '../operation.ts';
import { createPublish, type PublishOptions } from './publish.ts';
import { createValidatePost } from './validate-post.ts';

/** Every operation on social platforms. Adding one: its file, and one entry here. */
export function createSocialOperations(options: PublishOptions): Operation[] {
	const { platforms, publish, resolveMedia } = options;
	return [createPublish(options), createValidatePost({ platforms, run: publish, resolveMedia })];
}
