import type { INodeProperties } from 'n8n-workflow';
import type { NodeOperation } from '../../shared/operation';
import { ParameterError, requiredText, withoutEmpty } from '../../shared/parameters';
import type { BatchItem } from '../../shared/wire';
import { postFields } from './postFields';
import { readPlatforms, readPost, readTime } from './readPost';
import { requireAllFit } from './requireAllFit';

const publishAt: INodeProperties = {
	displayName: 'Publish At',
	name: 'publishAt',
	type: 'dateTime',
	default: '',
	required: true,
	description: 'When the post is to appear',
};

/**
 * Platforms that can wait get the post now. For the others it is checked now, and leaves with `scheduling: n8n` and `publish_at`: the workflow waits
 * and posts then (template schedule-best-time), because a token may be too old by then.
 */
export const schedule: NodeOperation = {
	name: 'Schedule',
	value: 'schedule',
	description: 'Hand a post to platforms that publish it later; check it for those that cannot, so that the workflow can wait',
	action: 'Schedule a post',
	properties: [publishAt, ...postFields],
	async build({ context, itemIndex, read }) {
		const at = readTime(context, requiredText(read, 'publishAt', 'Publish At'));
		if (at === undefined) throw new ParameterError('"Publish At" is empty.');
		const items: BatchItem[] = [];
		for (const platform of readPlatforms(read)) {
			const item = readPost(read, platform);
			items.push({
				...item,
				operation: platform.schedules ? 'publish' : 'validate_post',
				params: withoutEmpty({ ...item.params, scheduled_at: at }),
				secrets: await platform.secrets(context, itemIndex),
			});
		}
		if (read('options.onProblem', 'fail') === 'fail_all') await requireAllFit(context, items, { canWait: true });
		return items;
	},
};
