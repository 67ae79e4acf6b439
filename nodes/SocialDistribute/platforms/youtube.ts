import { freshToken } from '../../shared/freshToken';
import type { Platform } from './platform';

/** A token lives an hour (platforms.md 4.1); this call costs 1 of 10,000 units a day. */
const WHO_AM_I = { url: 'https://www.googleapis.com/youtube/v3/channels?part=id&mine=true' };

export const youtube: Platform = {
	name: 'YouTube',
	value: 'youtube',
	schedules: true,
	// n8n's own: its scopes hold all that is needed, comments and subtitles included.
	credentials: ['youTubeOAuth2Api'],
	fields: [
		{
			displayName: 'Audio Language',
			name: 'audioLanguage',
			type: 'string',
			default: '',
			placeholder: 'en',
			description: 'Language that is spoken in the video, e.g. en or pt-BR',
		},
		{
			displayName: 'Category',
			name: 'category',
			type: 'options',
			default: '22',
			description: 'Under which YouTube files the video',
			options: [
				{ name: 'Autos & Vehicles', value: '2' },
				{ name: 'Comedy', value: '23' },
				{ name: 'Education', value: '27' },
				{ name: 'Entertainment', value: '24' },
				{ name: 'Film & Animation', value: '1' },
				{ name: 'Gaming', value: '20' },
				{ name: 'Howto & Style', value: '26' },
				{ name: 'Music', value: '10' },
				{ name: 'News & Politics', value: '25' },
				{ name: 'Nonprofits & Activism', value: '29' },
				{ name: 'People & Blogs', value: '22' },
				{ name: 'Pets & Animals', value: '15' },
				{ name: 'Science & Technology', value: '28' },
				{ name: 'Sports', value: '17' },
				{ name: 'Travel & Events', value: '19' },
			],
		},
		{
			displayName: 'Embeddable',
			name: 'embeddable',
			type: 'boolean',
			default: true,
			description: 'Whether other sites may show the video',
		},
		{
			displayName: 'License',
			name: 'license',
			type: 'options',
			default: 'youtube',
			description: 'Under which others may use the video',
			options: [
				{ name: 'Creative Commons', value: 'creativeCommon' },
				{ name: 'YouTube Standard', value: 'youtube' },
			],
		},
		{
			displayName: 'Made for Kids',
			name: 'madeForKids',
			type: 'boolean',
			default: false,
			description: 'Whether the video is made for kids, which the law of some countries asks you to say. Not added: as the channel is set.',
		},
		{
			displayName: 'Notify Subscribers',
			name: 'notifySubscribers',
			type: 'boolean',
			default: true,
			description: 'Whether subscribers are told of the new video',
		},
		{
			displayName: 'Only as a Short',
			name: 'short',
			type: 'boolean',
			default: false,
			description: 'Whether to refuse a video that would not become a Short: longer than 3 minutes, or wider than high',
		},
		{
			displayName: 'Public Statistics',
			name: 'publicStats',
			type: 'boolean',
			default: true,
			description: 'Whether everybody sees the statistics of the video',
		},
		{
			displayName: 'Synthetic Media',
			name: 'syntheticMedia',
			type: 'boolean',
			default: false,
			description: 'Whether the video shows realistic things that AI made or altered',
		},
	],
	settings: (read) => ({
		audio_language: read('audioLanguage'),
		category_id: read('category'),
		embeddable: read('embeddable'),
		license: read('license'),
		made_for_kids: read('madeForKids'),
		notify_subscribers: read('notifySubscribers'),
		public_stats: read('publicStats'),
		short: read('short'),
		synthetic_media: read('syntheticMedia'),
	}),
	async secrets(context, itemIndex) {
		return { access_token: await freshToken(context, itemIndex, youtube, WHO_AM_I) };
	},
};
