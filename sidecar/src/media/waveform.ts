/** Peaks as the JSON of audiowaveform (version 2), which peaks.js, wavesurfer.js and others read. Pure. */
export interface WaveformJson {
	version: 2;
	channels: number;
	sample_rate: number;
	samples_per_pixel: number;
	bits: 8 | 16;
	/** Number of pixels, i.e. of pairs per channel. */
	length: number;
	/** Smallest and largest sample of each pixel; of several channels one pair after the other. */
	data: number[];
}

/** Filters that write the extremes of each `samples` samples to the text of the output. */
export const measurePeaks = (samples: number): string[] => [
	'aformat=sample_fmts=fltp',
	`asetnsamples=n=${samples}:p=0`,
	'astats=metadata=1:reset=1:measure_perchannel=Min_level+Max_level:measure_overall=none',
	'ametadata=print:file={text}',
];

export function readPeaks(text: string, format: Pick<WaveformJson, 'channels' | 'sample_rate' | 'samples_per_pixel' | 'bits'>): WaveformJson {
	const { channels, bits } = format;
	const limit = 2 ** (bits - 1);
	const data: number[] = [];
	let at = 0;
	// Line by line: the text of a long file is large, and an array of its lines would be twice that.
	while (at < text.length) {
		const end = text.indexOf('\n', at);
		const line = text.slice(at, end === -1 ? text.length : end);
		at = end === -1 ? text.length : end + 1;
		if (line.startsWith('frame:')) data.length += 2 * channels;
		const level = /^lavfi\.astats\.(\d+)\.(Min|Max)_level=(.*)$/.exec(line);
		if (!level) continue;
		const [, channel, end_, value] = level;
		const place = data.length - 2 * channels + 2 * (Number(channel) - 1) + (end_ === 'Min' ? 0 : 1);
		data[place] = Math.max(-limit, Math.min(limit - 1, Math.round(Number(value) * limit) || 0));
	}
	return { version: 2, ...format, length: data.length / (2 * channels), data };
}
