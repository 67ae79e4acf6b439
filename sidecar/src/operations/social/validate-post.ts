import type { RunDependencies } from '../../social/account-run.ts';
import { explain } from '../../social/explain.ts';
import { fitText } from '../../social/fit-text.ts';
import { HttpFailure } from '../../social/outcome.ts';
import type { Post } from '../../social/platform.ts';
import { kindOf } from '../../social/validate.ts';
import { limitProblems } from '../../media/platform-check.ts';
import type { TaskOperation } from '../operation.ts';
import { createPostParams, subtitleSources, type PostParams } from './post-params.ts';
import { preparePost, readSubject, type FitMedia, type SubjectDeps } from './prepare-post.ts';

/** Seconds of a few reads. */
const SECONDS = 3;

/** `validate_post`: what the platform would say of a post, and how it would look. Nothing is sent to it, nothing is uploaded. */
export function createValidatePost(deps: SubjectDeps & { run: RunDependencies }) {
	const params = createPostParams(deps.platforms);
	const operation: TaskOperation<PostParams> = {
		kind: 'task',
		name: 'validate_post',
		version: 1,
		summary: 'Checks a post against the limits of a platform and of the account, and shows how it would look. Publishes nothing.',
		buildsOn: ['safety_scan'],
		alsoBuildsOn: subtitleSources,
		accepts: 'none',
		params,
		produces:
			'`platform`, `ok`, `account`, `problems` (each with `field`, `message`, `fixable`), `preview` (`text` as it would be sent, `length`, `max`, `unit`, `thread`, `title`, `media`), `changes` (what `on_problem: fix` would do), `publish_at` and `scheduling` (`platform` or `n8n`) where a time is given.',
		example: { platform: deps.platforms[0]?.name, text: 'Hello from the pipeline' },
		estimateSeconds: () => SECONDS,
		async run(context, given) {
			// Looks at what would be made, and makes nothing.
			const wouldFit: FitMedia = (_context, post, limits) =>
				Promise.resolve({
					media: post.media,
					changes: post.media.flatMap((media, index) => {
						const allowed = limits.media[kindOf(media)];
						const wrong = allowed ? limitProblems({ ...media.facts, mime: media.mime, bytes: media.bytes }, allowed) : [];
						return wrong.length > 0 ? [`media[${index}] would be made anew: ${wrong.map(({ message }) => message).join(' ')}`] : [];
					}),
				});
			// Where the platform has no scheduling, n8n waits: the time is no problem then.
			const { scheduled_at: publishAt, ...rest } = given;
			const subject = await readSubject(deps, context, given);
			const { platform, post, thread, comment, checked, problems, changes } = await preparePost(deps.run, context, given, subject, wouldFit).catch((error: unknown) => {
				if (!(error instanceof HttpFailure)) throw error;
				throw explain(error, { platform: subject.platform, postId: null, open: false, reading: true, signal: context.signal, now: deps.run.now?.() ?? new Date() }).error;
			});
			const { limits, account } = checked;
			const native = limits.options.scheduleLeadSeconds !== null;
			const found = (native ? problems : problems.filter(({ field }) => field !== 'scheduled_at')).filter(({ field, fixable }) => !(rest.on_problem === 'fix' && fixable && field.startsWith('media')));
			const shown = problems.length > 0 && rest.on_problem !== 'fix' ? fitText(post, limits, rest.long_text).post : post;
			return {
				output: {
					platform: platform.name,
					ok: found.length === 0,
					account: account?.name ?? null,
					problems: found.map(({ field, message, fixable = false }) => ({ field, message, fixable })),
					preview: {
						text: post.text,
						length: limits.text.count(post),
						max: limits.text.max,
						unit: limits.text.unit,
						...(shown.text === post.text ? {} : { shortened: shown.text }),
						...(post.title === null ? {} : { title: post.title }),
						...(thread.length > 0 ? { thread } : {}),
						...(comment === null ? {} : { first_comment: comment }),
						media: post.media.map(describe),
					},
					...(changes.length > 0 ? { changes } : {}),
					...(publishAt === undefined ? {} : { publish_at: new Date(publishAt).toISOString(), scheduling: native ? 'platform' : 'n8n' }),
				},
			};
		},
	};
	return operation;
}

const describe = ({ mime, bytes, facts, altText }: Post['media'][number]) => ({
	mime,
	bytes,
	...(facts.video ? { width: facts.video.width, height: facts.video.height } : {}),
	...(facts.durationSeconds > 0 ? { seconds: Math.round(facts.durationSeconds * 100) / 100 } : {}),
	alt_text: altText,
});
