import type { NodeOperation, ReadParameter } from '../../shared/operation';
import { readSource, withoutEmpty } from '../../shared/parameters';
import { optionsField, sourceProperties } from '../../shared/properties';

/** Name on the wire and in the node, of those that some provider looks for in pictures. */
const CATEGORIES = [
	['sexual', 'Pornography'],
	['suggestive', 'Bare Skin'],
	['violence', 'Violence'],
	['self_harm', 'Self-Harm'],
] as const;

const fieldOf = (category: string): string => `${category.replace(/_(.)/, (_, letter: string) => letter.toUpperCase())}Threshold`;

export const safetyScan: NodeOperation = {
	name: 'Safety Scan',
	value: 'safety_scan',
	description: 'Look for pornography, violence and self-harm, and stop the asset when there is too much',
	action: 'Scan for unsafe content',
	properties: [
		...sourceProperties,
		{
			displayName: 'When Unsafe',
			name: 'whenUnsafe',
			type: 'options',
			default: 'stop',
			description: 'What happens when a score reaches its threshold',
			options: [
				{ name: 'Only Report', value: 'report', description: 'The item leaves through Done, with the field "safe" set to false' },
				{ name: 'Stop', value: 'stop', description: 'The item leaves through Failed; the asset fails, and is not published' },
			],
		},
		optionsField([
			...CATEGORIES.map(([category, name]) => ({
				displayName: `${name} Threshold`,
				name: fieldOf(category),
				type: 'number' as const,
				default: 0.8,
				typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
				description:
					category === 'suggestive'
						? 'Not allowed from this score on. Without it bare skin is only reported.'
						: 'Not allowed from this score on. From 0 to 1, usually 0.8.',
			})),
			{
				displayName: 'Frames',
				name: 'frames',
				type: 'number' as const,
				default: 16,
				typeOptions: { minValue: 1, maxValue: 64 },
				description: 'How many pictures of a video are looked at',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'safety_scan',
			...readSource(read),
			params: withoutEmpty({
				action: read('whenUnsafe'),
				frames: read('options.frames', undefined),
				thresholds: readThresholds(read),
			}),
		},
	],
};

function readThresholds(read: ReadParameter): Record<string, unknown> | undefined {
	const given = CATEGORIES.map(([category]) => [category, read(`options.${fieldOf(category)}`, undefined)] as const).filter(([, value]) => value !== undefined);
	return given.length > 0 ? Object.fromEntries(given) : undefined;
}
