import { parseManifest } from '../../../sidecar/src/media/dash-manifest.ts';
import { bitRates, finishedMaster, finishedMediaPlaylist, referencesOf } from '../../../sidecar/src/media/hls-playlist.ts';

const segment = (seconds: number, bytes: number) => ({ name: 's', seconds, bytes });

describe('bit rates of segments', () => {
	it('are those of the largest stretch of about one segment, and of the whole', () => {
		expect(bitRates([segment(4, 500), segment(4, 1500), segment(4, 1000)])).toEqual({ peak: 3000, average: 2000 });
	});

	it('do not count a last segment of one picture by itself', () => {
		// By itself 40 kbit/s; with its neighbour 2,000 bytes in 4.1 s.
		expect(bitRates([segment(4, 1500), segment(0.1, 500)]).peak).toBeCloseTo(16_000 / 4.1, 3);
	});

	it('of a single segment are its own', () => {
		expect(bitRates([segment(0.5, 100)])).toEqual({ peak: 1600, average: 1600 });
	});
});

describe('playlists', () => {
	const master = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="group_A1",NAME="audio_1",DEFAULT=YES,URI="media_1.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360,CODECS="avc1.64001e,mp4a.40.2",AUDIO="group_A1"
media_0.m3u8
`;
	const rates = new Map([
		['media_0.m3u8', { peak: 1000.2, average: 800, frameRate: 30000 / 1001, channels: null }],
		['media_1.m3u8', { peak: 100, average: 90, frameRate: null, channels: 2 }],
	]);

	it('of the whole say what picture and sound need together', () => {
		expect(finishedMaster(master, rates)).toBe(`#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="group_A1",NAME="audio_1",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="media_1.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1101,AVERAGE-BANDWIDTH=890,RESOLUTION=640x360,CODECS="avc1.64001e,mp4a.40.2",AUDIO="group_A1",FRAME-RATE=29.970
media_0.m3u8
`);
	});

	it('name their files', () => {
		expect(referencesOf(master)).toEqual(['media_0.m3u8', 'media_1.m3u8']);
		expect(referencesOf('#EXTM3U\n#EXT-X-MAP:URI="init.m4s"\n#EXTINF:2,\na.m4s\n')).toEqual(['a.m4s', 'init.m4s']);
	});

	it('of one track end without a clock', () => {
		expect(finishedMediaPlaylist('#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:42:47.000+0000\na.m4s\n')).toBe(
			'#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\na.m4s\n',
		);
	});
});

describe('parseManifest', () => {
	it('reads the segments, with their repetitions', () => {
		const mpd = `<MPD><AdaptationSet id="0" frameRate="30000/1001"><Representation id="0" mimeType="video/mp4">
<SegmentTemplate timescale="1000" initialization="init-$RepresentationID$.m4s" media="s-$RepresentationID$-$Number%05d$.m4s" startNumber="3">
<SegmentTimeline><S t="0" d="4000" r="1" /><S d="500" /></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></MPD>`;
		expect(parseManifest(mpd)).toEqual([
			{
				id: '0',
				kind: 'video',
				init: 'init-0.m4s',
				segments: [
					{ name: 's-0-00003.m4s', seconds: 4 },
					{ name: 's-0-00004.m4s', seconds: 4 },
					{ name: 's-0-00005.m4s', seconds: 0.5 },
				],
				frameRate: 30000 / 1001,
				channels: null,
			},
		]);
	});
});
