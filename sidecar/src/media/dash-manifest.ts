/** Reads the manifests that ffmpeg's dash muxer writes (SegmentTemplate with SegmentTimeline). Pure. */

export interface Segment {
	name: string;
	seconds: number;
}

/** One representation: a rung, or the sound. */
export interface Track {
	id: string;
	kind: 'video' | 'audio';
	init: string;
	segments: Segment[];
	/** Pictures per second; null for sound. */
	frameRate: number | null;
	/** Null for video. */
	channels: number | null;
}

export function parseManifest(mpd: string): Track[] {
	return blocks(mpd, 'AdaptationSet').flatMap((set) =>
		blocks(set.content, 'Representation').map(({ attributes, content }) => {
			const template = blocks(content, 'SegmentTemplate')[0];
			const id = attributes['id'] ?? '';
			const name = (pattern = '', number = 0): string =>
				pattern
					.replaceAll('$RepresentationID$', id)
					.replace(/\$Number(?:%0(\d+)d)?\$/, (_, width?: string) => String(number).padStart(Number(width ?? 1), '0'));
			const timescale = Number(template?.attributes['timescale'] ?? 1);
			const first = Number(template?.attributes['startNumber'] ?? 1);
			const channels = /<AudioChannelConfiguration[^>]* value="(\d+)"/.exec(content)?.[1];
			return {
				id,
				kind: attributes['mimeType']?.startsWith('audio') ? ('audio' as const) : ('video' as const),
				init: name(template?.attributes['initialization']),
				segments: timeline(template?.content ?? '').map((length, index) => ({
					name: name(template?.attributes['media'], first + index),
					seconds: length / timescale,
				})),
				frameRate: fraction(attributes['frameRate'] ?? set.attributes['frameRate']),
				channels: channels === undefined ? null : Number(channels),
			};
		}),
	);
}

/** The same manifest with other values of `bandwidth`, by representation. */
export function withBandwidths(mpd: string, bandwidths: ReadonlyMap<string, number>): string {
	return mpd.replace(/<Representation [^>]*>/g, (tag) => {
		const bandwidth = bandwidths.get(/ id="([^"]*)"/.exec(tag)?.[1] ?? '');
		return bandwidth === undefined ? tag : tag.replace(/ bandwidth="\d*"/, '').replace(/ id="[^"]*"/, `$& bandwidth="${bandwidth}"`);
	});
}

interface Block {
	attributes: Record<string, string>;
	content: string;
}

function blocks(xml: string, name: string): Block[] {
	return [...xml.matchAll(new RegExp(`<${name}\\b([^>]*)>([^]*?)</${name}>`, 'g'))].map(([, head = '', content = '']) => ({
		attributes: Object.fromEntries([...head.matchAll(/([\w:]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value])),
		content,
	}));
}

/** Lengths of the segments, in units of the timescale. `r`: how many more of the same follow. */
const timeline = (xml: string): number[] =>
	[...xml.matchAll(/<S\b([^>]*)\/>/g)].flatMap(([, attributes = '']) => {
		const length = Number(/\bd="(\d+)"/.exec(attributes)?.[1] ?? 0);
		const repeats = Number(/\br="(\d+)"/.exec(attributes)?.[1] ?? 0);
		return Array<number>(repeats + 1).fill(length);
	});

function fraction(text: string | undefined): number | null {
	if (!text) return null;
	const [above = 0, below = 1] = text.split('/').map(Number);
	return above / below;
}
