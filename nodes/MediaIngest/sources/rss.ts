import { requiredUrl } from '../../shared/parameters';
import { findListed, listProperties } from './list';
import type { IngestSource } from './source';

export const rss: IngestSource = {
	name: 'RSS or Podcast Feed',
	value: 'rss',
	description: 'Every file that a feed links to',
	isList: true,
	properties: [
		{
			displayName: 'Feed URL',
			name: 'feedUrl',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'https://example.com/podcast.xml',
			description: 'Address of an RSS, Atom or JSON feed',
		},
		...listProperties,
	],
	find(input) {
		const url = requiredUrl(input.read, 'feedUrl', 'Feed URL');
		return findListed(input, { key: `rss ${url}`, source: { type: 'rss', url } });
	},
};
