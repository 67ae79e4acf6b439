/**
 * A plan says what ffmpeg shall make, as data: it can be asserted in a test, merged with other plans on the same source,
 * and compared. The engine turns it into one ffmpeg process.
 */
export interface MediaPlan {
	outputs: PlannedOutput[];
	/** Expected CPU seconds; orders and bounds the work, and becomes `estimated_duration` in answers. */
	estimatedCpuSeconds: number;
	/** Why the plan is what it is, in a sentence for the user, e.g. "The source is already 720p H.264: streams are copied." */
	reason?: string;
	/** Further fields of the job's output_data, e.g. `{ width: 1280 }`. */
	facts?: Record<string, unknown>;
}

export interface PlannedOutput {
	/** File name of the result, e.g. `compressed.mp4`. Made by the operation, never by a user. */
	name: string;
	kind: 'video' | 'audio' | 'image';
	mime: string;
	/** Start in the source, seconds. Placed before the input, so that ffmpeg seeks instead of decoding from the start. */
	seekSeconds?: number;
	/** Length to read from there, seconds. */
	durationSeconds?: number;
	/** Filters in order, e.g. `['crop=100:100:0:0', 'scale=-2:720']`. Empty or absent: none. */
	videoFilters?: string[];
	audioFilters?: string[];
	/** Output options as ffmpeg's argument list, codecs included, e.g. `['-c:v', 'libx264', '-crf', '23']`. */
	options: string[];
	/** Expected length of the output, seconds, for progress and for the deadline. 0 for a still image. */
	expectedSeconds: number;
}

/** A finished file in a scratch folder, to be stored with the job. */
export interface ProducedFile {
	name: string;
	path: string;
	mime: string;
	width?: number;
	height?: number;
	durationSeconds?: number;
}
