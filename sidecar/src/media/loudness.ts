/** Loudness by EBU R128, as ffmpeg's `ebur128` tells it. Pure. */
export interface Loudness {
	/** Integrated loudness, LUFS. null: nothing louder than the gate of -70 LUFS, i.e. silence. */
	integratedLufs: number | null;
	/** Loudness range, LU. */
	rangeLu: number;
	/** dBTP. null: digital silence, or below what the filter can tell (-66 dBTP). */
	truePeakDbtp: number | null;
	/** Loudness of the last three seconds at each second, LUFS; null where there was silence. */
	shortTermLufs: Array<number | null>;
}

/** ITU-R BS.1770-4: blocks below it do not count, and the filter answers it for silence. */
export const GATE_LUFS = -70;

/** Keys that nobody reads; for each of ten frames a second they would be most of the text. */
const UNREAD = ['M', 'LRA.low', 'LRA.high'];

/**
 * Filters that measure what passes and write it to the text of the output; `readLoudness` reads that.
 * @param channels of what passes
 */
export const measureLoudness = (channels: number): string[] => [
	'ebur128=peak=true:metadata=1',
	...[...UNREAD, ...Array.from({ length: channels }, (_, channel) => `true_peaks_ch${channel}`)].map(
		(key) => `ametadata=delete:key=lavfi.r128.${key}`,
	),
	'ametadata=print:file={text}',
];

/** Frames of the filter, per second. */
const FRAMES_PER_SECOND = 10;

export function readLoudness(text: string): Loudness {
	const frames = (key: string): number[] =>
		[...text.matchAll(new RegExp(`^lavfi\\.r128\\.${key}=(.*)$`, 'gm'))].map((match) => Number(match[1]));
	const last = (key: string): number => frames(key).at(-1) ?? Number.NaN;
	const integrated = last('I');
	const peak = last('true_peak');
	return {
		integratedLufs: integrated > GATE_LUFS ? integrated : null,
		rangeLu: Number.isFinite(last('LRA')) ? last('LRA') : 0,
		truePeakDbtp: peak > 0 ? round(20 * Math.log10(peak)) : null,
		shortTermLufs: frames('S')
			.filter((_, index) => index % FRAMES_PER_SECOND === FRAMES_PER_SECOND - 1)
			.map((value) => (value > GATE_LUFS ? round(value) : null)),
	};
}

export const round = (value: number): number => Math.round(value * 100) / 100;
/** As fields of output_data. */
export const loudnessFields = ({ integratedLufs, rangeLu, truePeakDbtp }: Loudness): Record<string, number | null> => ({
	integrated_lufs: integratedLufs === null ? null : round(integratedLufs),
	loudness_range_lu: round(rangeLu),
	true_peak_dbtp: truePeakDbtp,
});
