import { audioChannels } from '../../../nodes/MediaTranscode/operations/audio/audioChannels';
import { convertAudio } from '../../../nodes/MediaTranscode/operations/audio/convertAudio';
import { denoiseAudio } from '../../../nodes/MediaTranscode/operations/audio/denoiseAudio';
import { extractAudio } from '../../../nodes/MediaTranscode/operations/audio/extractAudio';
import { loudness } from '../../../nodes/MediaTranscode/operations/audio/loudness';
import { mixMusic } from '../../../nodes/MediaTranscode/operations/audio/mixMusic';
import { normalizeLoudness } from '../../../nodes/MediaTranscode/operations/audio/normalizeLoudness';
import { waveform } from '../../../nodes/MediaTranscode/operations/audio/waveform';
import { build } from '../support/build';

const asset = { source: 'asset', assetId: 'a1' };

describe('the audio operations', () => {
	it.each([
		['normalize_loudness', normalizeLoudness, { target: -16 }, { target_lufs: -16 }],
		[
			'normalize_loudness',
			normalizeLoudness,
			{ target: -16, options: { customTarget: -18, truePeak: -2, loudnessRange: 9 } },
			{ target_lufs: -18, true_peak_dbtp: -2, loudness_range_lu: 9 },
		],
		['extract_audio', extractAudio, { format: 'mp3' }, { format: 'mp3' }],
		['extract_audio', extractAudio, { format: 'mp3', options: { audioBitrate: 96, track: 2 } }, { format: 'mp3', audio_bitrate_kbps: 96, track: 2 }],
		['audio_channels', audioChannels, { channels: 'swap' }, { channels: 'swap' }],
		['waveform', waveform, { options: { pointsPerSecond: 10, background: '#ffffff' } }, { points_per_second: 10, background: '#ffffff' }],
		['denoise_audio', denoiseAudio, { engine: 'ffmpeg', options: { strength: 'strong' } }, { engine: 'ffmpeg', strength: 'strong' }],
		[
			'mix_music',
			mixMusic,
			{ music: 'https://a.test/m.mp3', options: { duck: 6, volume: -20, fadeIn: 0, fadeOut: 3, loop: false } },
			{ music: { file_url: 'https://a.test/m.mp3' }, duck_db: 6, music_volume_db: -20, fade_in: 0, fade_out: 3, loop: false },
		],
		['convert', convertAudio, { format: 'flac' }, { format: 'flac' }],
	])('%s is sent with its parameters by the names of the wire (%#)', async (name, operation, fields, params) => {
		expect(await build(operation, { ...asset, ...fields })).toEqual([{ operation: name, asset_id: 'a1', params }]);
	});

	it('loudness needs no parameters', async () => {
		expect(await build(loudness, asset)).toEqual([{ operation: 'loudness', asset_id: 'a1' }]);
	});
});
