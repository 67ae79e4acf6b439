import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { sourceProperties } from '../../../shared/properties';

export const preset: NodeOperation = {
	name: 'Platform Preset',
	value: 'preset',
	description: 'Make the video that a social platform takes: shape, size, length and format',
	action: 'Make a video for a platform',
	properties: [
		...sourceProperties,
		{
			displayName: 'Platform',
			name: 'platform',
			type: 'options',
			default: 'x',
			description: 'Where the video will be posted',
			options: [
				{ name: 'Bluesky', value: 'bluesky' },
				{ name: 'Facebook', value: 'facebook' },
				{ name: 'Facebook Reel', value: 'facebook_reel' },
				{ name: 'Instagram Feed', value: 'instagram_feed' },
				{ name: 'Instagram Reel', value: 'instagram_reel' },
				{ name: 'LinkedIn', value: 'linkedin' },
				{ name: 'Mastodon', value: 'mastodon' },
				{ name: 'Pinterest', value: 'pinterest' },
				{ name: 'Threads', value: 'threads' },
				{ name: 'TikTok', value: 'tiktok' },
				{ name: 'X', value: 'x' },
				{ name: 'YouTube', value: 'youtube' },
				{ name: 'YouTube Shorts', value: 'youtube_shorts' },
			],
		},
		{
			displayName: 'If the Shape Does Not Fit',
			name: 'presetFit',
			type: 'options',
			default: 'auto',
			description: 'What happens to a video whose shape the platform does not show, such as a wide one on TikTok',
			options: [
				{ name: 'Automatic', value: 'auto', description: 'Crop where little is lost, else blur' },
				{ name: 'Blur', value: 'blur', description: 'Show all of it on a blurred copy of itself' },
				{ name: 'Crop', value: 'crop', description: 'Fill the frame and cut off the rest' },
				{ name: 'Pad', value: 'pad', description: 'Show all of it on black' },
			],
		},
		{
			displayName: 'If It Is Too Long',
			name: 'tooLong',
			type: 'options',
			default: 'trim',
			options: [
				{ name: 'Fail', value: 'fail', description: 'Refuse it' },
				{ name: 'Split', value: 'split', description: 'Make several videos of equal length' },
				{ name: 'Trim', value: 'trim', description: 'Keep the beginning' },
			],
		},
	],
	build: ({ read }) => [
		{
			operation: 'preset',
			...readSource(read),
			params: withoutEmpty({ platform: read('platform'), fit: read('presetFit'), too_long: read('tooLong') }),
		},
	],
};
