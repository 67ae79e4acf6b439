import { randomUUID } from 'node:crypto';
import type { IExecuteFunctions } from 'n8n-workflow';
import { isRecord, ParameterError } from '../../shared/parameters';
import { pollBatch } from '../../shared/poll';
import { submitBatch } from '../../shared/sidecar';
import type { BatchItem } from '../../shared/wire';

/** A check is a few reads; the first one of an asset may wait for its download. */
const LIMIT_SECONDS = 15 * 60;

/** What a check says of a time at a platform that has no scheduling: the workflow must wait. */
const LEAVE_OUT = 'It has no scheduling of its own. Use the operation Schedule, or leave "Publish At" out and let the workflow wait.';

/**
 * Checks the posts on all their platforms first. Throws what does not fit, platform by platform: nothing is posted anywhere then.
 * `canWait`: where a platform has no scheduling, the workflow waits.
 */
export async function requireAllFit(context: IExecuteFunctions, posts: readonly BatchItem[], { canWait = false } = {}): Promise<void> {
	const items = posts.map((item) => ({ ...item, operation: 'validate_post' }));
	// Asked anew each time that the node runs: what did not fit, or could not be asked, may be different now.
	const batch = await submitBatch(context, { items, deadline_seconds: LIMIT_SECONDS }, `n8n-check-${randomUUID()}`);
	const { jobs } = await pollBatch(context, batch.batch_id, LIMIT_SECONDS * 1000);
	const wrong = jobs.flatMap((job) => {
		const output = isRecord(job.output_data) ? job.output_data : {};
		const waits = output.scheduling === 'n8n' && !canWait;
		if (job.status === 'completed' && output.ok === true && !waits) return [];
		const problems = Array.isArray(output.problems) ? output.problems.filter(isRecord).map(({ message }) => String(message)) : [];
		const platform = String(posts[jobs.indexOf(job)]?.params?.platform ?? '');
		if (waits) problems.push(LEAVE_OUT);
		return [`${platform}: ${problems.length > 0 ? problems.join(' ') : (job.error?.message ?? 'could not be checked.')}`];
	});
	if (wrong.length > 0) throw new ParameterError(`Nothing was posted. ${wrong.join(' ')}`);
}
