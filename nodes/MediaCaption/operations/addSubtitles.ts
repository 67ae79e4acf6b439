import { languageOptions } from '../../shared/languages';
import type { NodeOperation } from '../../shared/operation';
import { isRecord, readSource, requiredChoices, withoutEmpty } from '../../shared/parameters';
import { optionsField, sourceProperties } from '../../shared/properties';
import { readShownSubtitles, shownSubtitleProperties } from './shownSubtitles';

const SEVERAL = 'several';

/** Language is asked for only where there is one track. */
const oneTrack = shownSubtitleProperties.map((property) =>
	property.name === 'subtitlesFrom'
		? { ...property, options: [...(property.options ?? []).slice(0, 1), { name: 'Asset, Several Languages', value: SEVERAL, description: 'A track for each of several translations' }, ...(property.options ?? []).slice(1)] }
		: property.name === 'language'
			? { ...property, displayOptions: { hide: { subtitlesFrom: [SEVERAL] } } }
			: property,
);

export const addSubtitles: NodeOperation = {
	name: 'Add Subtitle Track',
	value: 'add_subtitles',
	description: 'Put subtitles into a video that viewers can turn on and off, without encoding it',
	action: 'Add a subtitle track to a video',
	properties: [
		...sourceProperties,
		...oneTrack,
		{
			displayName: 'Languages',
			name: 'languages',
			type: 'multiOptions',
			default: ['en'],
			required: true,
			displayOptions: { show: { subtitlesFrom: [SEVERAL] } },
			options: languageOptions,
			description: 'A track for each; all but the spoken one need Translate first',
		},
		optionsField([
			{ displayName: 'Forced', name: 'forced', type: 'boolean', default: false, description: 'Whether tracks are shown also where subtitles are turned off, as for signs' },
			{
				displayName: 'Format',
				name: 'format',
				type: 'options',
				default: 'auto',
				options: [
					{ name: 'Automatic', value: 'auto', description: 'MP4, or MKV for pictures that MP4 cannot hold' },
					{ name: 'MKV', value: 'mkv' },
					{ name: 'MP4', value: 'mp4' },
				],
			},
			{ displayName: 'Show First Track', name: 'show', type: 'boolean', default: true, description: 'Whether players show the first track without being asked' },
		]),
	],
	build: ({ read }) => {
		const given = read('options', {});
		const chosen = isRecord(given) ? given : {};
		const several = read('subtitlesFrom') === SEVERAL;
		return [
			{
				operation: 'add_subtitles',
				...readSource(read),
				params: withoutEmpty({
					...(several ? { languages: requiredChoices(read, 'languages', 'Languages').map((code) => code.toLowerCase()) } : readShownSubtitles(read)),
					show: chosen['show'],
					forced: chosen['forced'],
					format: chosen['format'],
				}),
			},
		];
	},
};
