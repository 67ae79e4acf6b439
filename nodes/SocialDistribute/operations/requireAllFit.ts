import { createHash } from 'node:crypto';
import type { IExecuteFunctions } from 'n8n-workflow';
import { isRecord, ParameterError } from '../../shared/parameters';
import { pollBatch } from '../../shared/poll';
import { submitBatch } from '../../shared/sidecar';
import type { BatchItem } from '../../shared/wire';

/** A check is a few reads; the first one of an asset may wait for its download. */
const LIMIT_SECONDS = 15 * 60;

/** Checks the posts on all their platforms first. Throws what does not fit, platform by platform: nothing is posted anywhere then. */
export async function requireAllFit(context: IExecuteFunctions, itemIndex: number, posts: readonly BatchItem[]): Promise<void> {
	const items = posts.map((item) => ({ ...item, operation: 'validate_post' }));
	const run = context.evaluateExpression('{{ $runIndex }}', 0) as number;
	const content = createHash('sha256').update(JSON.stringify(items)).digest('hex').slice(0, 32);
	const batch = await submitBatch(context, { items, deadline_seconds: LIMIT_SECONDS }, `n8n-check-${context.getExecutionId()}-${context.getNode().id}-${run}-${itemIndex}-${content}`);
	const { jobs } = await pollBatch(context, batch.batch_id, LIMIT_SECONDS * 1000);
	const wrong = jobs.flatMap((job) => {
		const output = isRecord(job.output_data) ? job.output_data : {};
		if (job.status === 'completed' && output.ok === true) return [];
		const problems = Array.isArray(output.problems) ? output.problems.filter(isRecord).map(({ message }) => String(message)) : [];
		const platform = String(posts[jobs.indexOf(job)]?.params?.platform ?? '');
		return [`${platform}: ${problems.length > 0 ? problems.join(' ') : (job.error?.message ?? 'could not be checked.')}`];
	});
	if (wrong.length > 0) throw new ParameterError(`Nothing was posted. ${wrong.join(' ')}`);
}
