import type { RunDependencies } from '../../social/account-run.ts';
import { checkPost, type CheckedPost } from '../../social/check-post.ts';
import { fitText } from '../../social/fit-text.ts';
import type { Account, Credentials, Limits, Platform, Post, PostProblem, Settings } from '../../social/platform.ts';
import type { TaskContext } from '../operation.ts';
import { readCredentials, readSettings } from './account.ts';
import { assemble, following, type ResolveMedia } from './assemble.ts';
import type { FittedMedia } from './fit-media.ts';
import type { PostParams } from './post-params.ts';

export interface PrepareDeps {
	platforms: readonly Platform[];
	run: RunDependencies;
	resolveMedia: ResolveMedia;
}

/** Makes what the platform takes; or only says what would be made. */
export type FitMedia = (context: TaskContext, post: Post, limits: Limits) => Promise<FittedMedia>;

/** A post that is ready to be published, or what stands against it. */
export interface PreparedPost {
	platform: Platform;
	credentials: Credentials;
	settings: Settings;
	/** As it was asked for. */
	asked: Post;
	/** As it will be. */
	post: Post;
	/** Texts of the further posts, in their order. */
	thread: string[];
	comment: string | null;
	checked: CheckedPost;
	/** Of the first post and of those that follow. Empty: it can be published. */
	problems: PostProblem[];
	/** What was changed so that it fits. */
	changes: string[];
}

/** Ids that stand for those of a post that is not there yet. */
const NOT_YET = { remoteId: '', rootId: '' };

/** Reads everything, asks the platform for its limits, and fits the post to them where that is wanted. Sends nothing. */
export async function preparePost({ platforms, run, resolveMedia }: PrepareDeps, context: TaskContext, given: PostParams, fitMedia: FitMedia, known?: Account | null): Promise<PreparedPost> {
	const platform = platforms.find((known) => known.name === given.platform)!;
	const credentials = readCredentials(context.secrets, platform);
	const settings = readSettings(given.settings, platform);
	const asked = await assemble(context, given, resolveMedia);
	const request = { platform, credentials, settings, signal: context.signal, log: context.log };
	let checked = await checkPost(run, request, asked, known);
	let post = asked;
	let thread = given.thread ?? [];
	const changes: string[] = [];
	if (given.on_problem === 'fix' && checked.problems.some(({ fixable }) => fixable)) {
		const text = fitText(asked, checked.limits, given.long_text);
		const media = await fitMedia(context, text.post, checked.limits);
		post = { ...text.post, media: media.media };
		thread = [...text.thread, ...thread];
		changes.push(...text.changes, ...media.changes);
		checked = await checkPost(run, request, post, checked.account);
	}
	const comment = given.first_comment ?? null;
	const follows = thread.length > 0 || comment !== null;
	const problems = [...checked.problems];
	if (follows && post.scheduledAt) problems.push({ field: 'scheduled_at', message: `What follows a post can only be sent once the post is out. Let n8n wait (the template schedule-best-time does so), or leave the thread and the first comment out.` });
	if (thread.length > 0 && checked.limits.options.replies !== 'thread') {
		problems.push({ field: 'thread', message: `${platform.title} has no threads. Put everything into one text.` });
	} else {
		const further = [...thread.map((text, index) => ({ field: `thread[${index}]`, text })), ...(comment === null ? [] : [{ field: 'first_comment', text: comment }])];
		for (const { field, text } of further) {
			const found = await checkPost(run, request, following(post, text, NOT_YET), checked.account);
			problems.push(...found.problems.filter(({ field: about }) => about === 'text' || about === 'replies').map(({ message }) => ({ field, message })));
		}
	}
	return { platform, credentials, settings, asked, post, thread, comment, checked, problems, changes };
}

/** As the message of an error. */
export const inOneText = (problems: readonly PostProblem[]): string => problems.map(({ field, message }) => `${field}: ${message}`).join(' ');
