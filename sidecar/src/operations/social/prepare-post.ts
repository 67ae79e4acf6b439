import type { RunDependencies } from '../../social/account-run.ts';
import { checkPost, type CheckedPost } from '../../social/check-post.ts';
import { findProblems } from '../../social/validate.ts';
import { fitText, leaveOut } from '../../social/fit-text.ts';
import type { Account, Credentials, Limits, Platform, Post, PostProblem, Settings } from '../../social/platform.ts';
import type { TaskContext } from '../operation.ts';
import { readCredentials, readSettings } from './account.ts';
import { assemble, following, type ResolveMedia } from './assemble.ts';
import type { FittedMedia } from './fit-media.ts';
import { MAX_THREAD, type PostParams } from './post-params.ts';

export interface SubjectDeps {
	platforms: readonly Platform[];
	resolveMedia: ResolveMedia;
}

/** Whose post it is, and what it says. */
export interface Subject {
	platform: Platform;
	credentials: Credentials;
	settings: Settings;
	/** As it was asked for. */
	asked: Post;
}

/** Makes what the platform takes; or only says what would be made. */
export type FitMedia = (context: TaskContext, post: Post, limits: Limits) => Promise<FittedMedia>;

/** A post that is ready to be published, or what stands against it. */
export interface PreparedPost extends Subject {
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

/** What the request says, with its files at hand. Asks nobody. */
export async function readSubject({ platforms, resolveMedia }: SubjectDeps, context: TaskContext, given: PostParams): Promise<Subject> {
	const platform = platforms.find(({ name }) => name === given.platform)!;
	const credentials = readCredentials(context.secrets, platform);
	return { platform, credentials, settings: readSettings(given.settings, platform), asked: await assemble(context, given, resolveMedia) };
}

/** Asks the platform for its limits, and fits the post to them where that is wanted. Sends nothing. Throws HttpFailure where it cannot be asked. */
export async function preparePost(run: RunDependencies, context: TaskContext, given: PostParams, subject: Subject, fitMedia: FitMedia, known?: Account | null): Promise<PreparedPost> {
	const { platform, credentials, settings, asked } = subject;
	const request = { platform, credentials, settings, signal: context.signal, log: context.log };
	let checked = await checkPost(run, request, asked, known);
	let { post, changes } = leaveOut(asked, checked.limits);
	if (changes.length > 0) checked = { ...checked, problems: findProblems(post, checked.limits, platform.title, run.now?.() ?? new Date()) };
	let thread = given.thread ?? [];
	if (given.on_problem === 'fix' && checked.problems.some(({ fixable }) => fixable)) {
		const text = fitText(post, checked.limits, given.long_text);
		const media = await fitMedia(context, text.post, checked.limits);
		post = { ...text.post, media: media.media };
		thread = [...text.thread, ...thread];
		changes = [...changes, ...text.changes, ...media.changes];
		checked = await checkPost(run, request, post, checked.account);
	}
	let comment = given.first_comment ?? null;
	const follows = thread.length > 0 || comment !== null;
	const problems = [...checked.problems];
	if (follows && post.scheduledAt) problems.push({ field: 'scheduled_at', message: `What follows a post can only be sent once the post is out. Let n8n wait (the template schedule-best-time does so), or leave the thread and the first comment out.` });
	if (thread.length > 0 && checked.limits.options.replies !== 'thread') {
		problems.push({ field: 'thread', message: `${platform.title} has no threads. Put everything into one text.` });
	} else if (thread.length > MAX_THREAD) {
		problems.push({ field: 'thread', message: `It would be a thread of ${thread.length + 1} posts; at most ${MAX_THREAD} may follow the first. Shorten the text, or choose to have it shortened (long_text: shorten).` });
	} else {
		/** The text as it can be sent; what stands against it becomes a problem. */
		const fitted = async (field: string, text: string): Promise<string> => {
			const found = await checkPost(run, request, following(post, text, NOT_YET), checked.account);
			const fits = given.on_problem === 'fix' ? fitText(following(post, text, NOT_YET), found.limits, 'shorten').post.text : text;
			if (fits !== text) changes = [...changes, `${field} was shortened.`];
			const left = fits === text ? found.problems : findProblems(following(post, fits, NOT_YET), found.limits, platform.title, run.now?.() ?? new Date());
			// What holds for all of them was said of the first.
			problems.push(...left.filter(({ message }) => !checked.problems.some((said) => said.message === message)).map(({ message }) => ({ field, message })));
			return fits;
		};
		const texts: string[] = [];
		for (const [index, text] of thread.entries()) texts.push(await fitted(`thread[${index}]`, text));
		thread = texts;
		if (comment !== null) comment = await fitted('first_comment', comment);
	}
	return { platform, credentials, settings, asked, post, thread, comment, checked, problems, changes };
}

/** As the message of an error. */
export const inOneText = (problems: readonly PostProblem[]): string => problems.map(({ field, message }) => `${field}: ${message}`).join(' ');
