import { createAccountRun, type AccountRequest, type RunDependencies } from './account-run.ts';
import type { Account, Limits, PlatformRun, Post, PostProblem } from './platform.ts';
import { findProblems } from './validate.ts';

/** What the platform would say of a post, without anything being sent to it. */
export interface CheckedPost {
	account: Account | null;
	limits: Limits;
	/** Empty: it can be published. */
	problems: PostProblem[];
}

/** Asks who the account is and what it may, and holds the post against it. Reads only. */
export async function checkPost(deps: RunDependencies, request: AccountRequest, post: Post, known?: Account | null): Promise<CheckedPost> {
	const { platform } = request;
	let account: Account | null = known ?? null;
	const base = createAccountRun(deps, request, () => account);
	account ??= await platform.identify(base);
	const run: PlatformRun = {
		...base,
		account,
		post,
		operationKey: 'check',
		state: {},
		save: () => Promise.reject(new Error('a check must not change anything')),
		progress: () => {},
	};
	const limits = await platform.limits(run);
	return { account, limits, problems: findProblems(post, limits, platform.title, base.now()) };
}
