import { bitDepthOf, completeFacts } from '../../../sidecar/src/media/facts.ts';
import { toFacts, type ProbeStream } from '../../../sidecar/src/media/ffprobe-facts.ts';

const VIDEO: ProbeStream = { codec_type: 'video', codec_name: 'h264', width: 320, height: 180, pix_fmt: 'yuv420p', avg_frame_rate: '25/1', r_frame_rate: '25/1' };
const AUDIO: ProbeStream = { codec_type: 'audio', codec_name: 'aac', channels: 2, sample_rate: '48000' };
const factsOf = (...streams: ProbeStream[]) => toFacts({ format: { duration: '10.0' }, streams }, { mime: 'video/mp4', bytes: 1, still: false })!;
const videoOf = (changes: ProbeStream) => factsOf({ ...VIDEO, ...changes }).video!;

describe('toFacts', () => {
	it.each([
		['even', '25/1', '25/1', false, 25],
		['a phone’s', '8990000/300001', '30/1', false, 29.967],
		['NTSC', '30000/1001', '30000/1001', false, 29.97],
		['of ticks', '30000/1009', '90000/1', true, 29.97],
		['near a known rate', '29600/1000', '600/1', true, 30],
		['a screen recorder’s', '15/4', '1000/1', true, 30],
		['fast and uneven', '45/1', '1000/1', true, 60],
		['of pictures that were left out', '10/1', '30/1', true, 30],
		['made up', '63/10', '51/1', true, 30],
		['slow, with pictures left out', '5/1', '25/2', true, 12.5],
		['nothing but ticks', '0/0', '90000/1', true, 30],
		['unknown', '0/0', '0/0', true, 30],
	])('reads a rate that is %s: %s of %s', (_what, average, exact, variableFrameRate, frameRate) => {
		expect(videoOf({ avg_frame_rate: average, r_frame_rate: exact })).toMatchObject({ variableFrameRate, frameRate });
	});

	it('knows fields, and does not take them for an uneven rate', () => {
		expect(videoOf({ field_order: 'tt', avg_frame_rate: '25/1', r_frame_rate: '50/1' })).toMatchObject({ interlaced: true, variableFrameRate: false, frameRate: 25 });
		expect(videoOf({ codec_name: 'dvvideo', field_order: 'unknown' }).interlaced).toBe(true);
		expect(videoOf({ field_order: 'progressive' }).interlaced).toBe(false);
	});

	it('knows HDR, and what it is made of', () => {
		const hdr = { pix_fmt: 'yuv420p10le', color_transfer: 'smpte2084', color_primaries: 'bt2020', color_space: 'unknown', color_range: 'tv' };
		expect(videoOf(hdr)).toMatchObject({ hdr: 'pq', bitDepth: 10, colorPrimaries: 'bt2020', colorSpace: null, colorRange: 'tv' });
		expect(videoOf({ color_transfer: 'arib-std-b67' }).hdr).toBe('hlg');
		expect(videoOf({ color_transfer: 'bt709' }).hdr).toBeNull();
	});

	it('chooses the default sound track, else the first that can be read', () => {
		const tracks = (...changes: ProbeStream[]) => factsOf(VIDEO, ...changes.map((change) => ({ ...AUDIO, ...change }))).audio;
		expect(tracks({}, { disposition: { default: 1 }, channels: 6 })).toMatchObject({ track: 1, channels: 6 });
		expect(tracks({ codec_name: 'unknown', disposition: { default: 1 } }, { tags: { language: 'eng' } })).toMatchObject({
			track: 1,
			tracks: [{ codec: 'unknown', default: true }, { language: 'eng', default: false }],
		});
		expect(tracks(...Array.from({ length: 200 }, () => ({})))?.tracks).toHaveLength(32);
	});

	it('reads the length of each stream, from a tag where Matroska keeps it', () => {
		const { video, audio } = factsOf({ ...VIDEO, duration: '9.5', start_time: '-0.5' }, { ...AUDIO, tags: { 'DURATION-eng': '00:01:02.500000000' } });
		expect(video).toMatchObject({ durationSeconds: 9.5, startSeconds: -0.5 });
		expect(audio?.durationSeconds).toBe(62.5);
		expect(factsOf(VIDEO, { ...AUDIO, duration: '0.000' }).audio?.durationSeconds).toBe(10);
	});

	it('tells the size as stored from the size as shown', () => {
		const turned = videoOf({ sample_aspect_ratio: '2:1', side_data_list: [{ rotation: -90 }] });
		expect(turned).toMatchObject({ width: 180, height: 640, storedWidth: 320, storedHeight: 180, pixelAspect: 2 });
	});
});

describe('bitDepthOf', () => {
	it.each([
		['yuv420p', 8], ['yuvj420p', 8], ['yuv420p10le', 10], ['yuva444p12le', 12], ['gbrp16be', 16], ['gbrpf32le', 32], ['p010le', 10],
		['p416le', 16], ['rgb48be', 16], ['rgba64le', 16], ['gray', 8], ['gray10le', 10], ['ya16be', 16], ['y210le', 10], ['x2rgb10le', 10],
		['xyz12le', 12], ['nv12', 8], ['nv20le', 10], ['unknown', 8],
	])('of %s is %d', (format, bits) => expect(bitDepthOf(format)).toBe(bits));
});

describe('completeFacts', () => {
	it('fills in what an earlier version did not store', () => {
		const old = {
			...{ mime: 'video/mp4', fileType: 'video' as const, container: 'mov', bytes: 1, durationSeconds: 5, bitrate: null },
			video: { codec: 'hevc', width: 640, height: 360, frameRate: 25, pixelFormat: 'yuv420p10le', rotation: 0, bitrate: null },
			audio: { codec: 'aac', channels: 2, sampleRate: 48_000, bitrate: null },
		};
		expect(completeFacts(old)).toMatchObject({
			video: { frameRate: 25, bitDepth: 10, hdr: null, interlaced: false, durationSeconds: 5, storedWidth: 640 },
			audio: { track: 0, tracks: [], durationSeconds: 5 },
		});
		expect(completeFacts({ ...old, video: null, audio: null })).toMatchObject({ video: null, audio: null });
	});

	it('changes nothing that is there', () => {
		const facts = factsOf({ ...VIDEO, field_order: 'bb' }, AUDIO);
		expect(completeFacts(facts)).toEqual(facts);
	});
});
