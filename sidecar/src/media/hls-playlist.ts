import type { Segment } from './dash-manifest.ts';

/** Completes the playlists that ffmpeg's dash muxer writes, and reads what they refer to. Pure. */

/** What the master playlist says of a track beyond what ffmpeg writes. */
export interface TrackRates {
	/** bits per second: the most of any stretch of about one segment, and of the whole. */
	peak: number;
	average: number;
	frameRate: number | null;
	channels: number | null;
}

/** Every file that a playlist names. */
export const referencesOf = (playlist: string): string[] => [
	...playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
	...[...playlist.matchAll(/^#EXT-X-(?:MAP|MEDIA):.*\bURI="([^"]+)"/gm)].map(([, uri = '']) => uri),
];

/** A finished list of segments: nothing will follow, each segment begins with a key frame, and no clock of this machine in it. */
export const finishedMediaPlaylist = (playlist: string): string =>
	playlist
		.replace(/^#EXT-X-PROGRAM-DATE-TIME:.*\n/gm, '')
		.replace(/^(#EXT-X-MEDIA-SEQUENCE:.*)$/m, '$1\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS');

/**
 * RFC 8216: BANDWIDTH is what the largest stretch needs, not what the encoder was told; players choose by it.
 * @param rates by name of the media playlist
 */
export function finishedMaster(master: string, rates: ReadonlyMap<string, TrackRates>): string {
	const audio = /^#EXT-X-MEDIA:TYPE=AUDIO.*URI="([^"]+)"/m.exec(master)?.[1];
	const sound = audio === undefined ? undefined : rates.get(audio);
	return master
		.replace(/^#EXT-X-VERSION:.*$/m, '$&\n#EXT-X-INDEPENDENT-SEGMENTS')
		.replace(/^#EXT-X-MEDIA:TYPE=AUDIO.*$/gm, (line) => {
			const channels = rates.get(/URI="([^"]+)"/.exec(line)?.[1] ?? '')?.channels;
			return line.replace(/DEFAULT=YES/, `DEFAULT=YES,AUTOSELECT=YES${channels ? `,CHANNELS="${channels}"` : ''}`);
		})
		.replace(/^#EXT-X-STREAM-INF:(.*)\n(.*)$/gm, (whole, attributes: string, uri: string) => {
			const picture = rates.get(uri);
			if (!picture) return whole;
			const bandwidth = Math.ceil(picture.peak + (sound?.peak ?? 0));
			const average = Math.ceil(picture.average + (sound?.average ?? 0));
			const rest = attributes.replace(/^BANDWIDTH=\d+/, '');
			const frameRate = picture.frameRate ? `,FRAME-RATE=${picture.frameRate.toFixed(3)}` : '';
			return `#EXT-X-STREAM-INF:BANDWIDTH=${bandwidth},AVERAGE-BANDWIDTH=${average}${rest}${frameRate}\n${uri}`;
		});
}

/**
 * RFC 8216, section 4.3.4.2: the largest bit rate of any contiguous segments that last 0.5 to 1.5 target durations together.
 * A short last segment therefore counts only with its neighbour.
 */
export function bitRates(segments: ReadonlyArray<Segment & { bytes: number }>): { peak: number; average: number } {
	const target = Math.max(...segments.map(({ seconds }) => seconds));
	const all = sum(segments.map(({ bytes }) => bytes)) * 8;
	const average = all / Math.max(0.001, sum(segments.map(({ seconds }) => seconds)));
	let peak = average;
	for (let from = 0; from < segments.length; from++) {
		let seconds = 0;
		let bits = 0;
		for (const segment of segments.slice(from, from + MOST_IN_A_STRETCH)) {
			seconds += segment.seconds;
			bits += segment.bytes * 8;
			if (seconds > target * 1.5) break;
			if (seconds >= target * 0.5) peak = Math.max(peak, bits / seconds);
		}
	}
	return { peak, average };
}

/** Segments but the last are about equally long: more do not fit into one and a half of them. */
const MOST_IN_A_STRETCH = 4;
const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
