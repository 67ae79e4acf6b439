import type { NodeOperation } from '../../shared/operation';
import { optionalText, requiredText, withoutEmpty } from '../../shared/parameters';
import { metricOptions } from './bestTime';

export const compareVariants: NodeOperation = {
	name: 'Compare Variants',
	value: 'compareVariants',
	description: 'See which variant of a post did better, and how sure that is',
	action: 'Compare variants of a post',
	properties: [
		{
			displayName: 'Experiment',
			name: 'experiment',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'tea-launch',
			description: 'Name that was given to the posts. Read their numbers first with Get Posts.',
		},
		{
			displayName: 'Metric',
			name: 'metric',
			type: 'options',
			default: 'engagement',
			options: metricOptions,
			description: 'What is counted',
		},
	],
	build({ read }) {
		return [{ operation: 'compare_variants', params: withoutEmpty({ experiment: requiredText(read, 'experiment', 'Experiment'), metric: optionalText(read, 'metric') }) }];
	},
};
