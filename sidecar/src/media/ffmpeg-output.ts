import { PipelineError } from '../errors.ts';

/** Reads ffmpeg's `-progress` report: `key=value` lines, one block every half second. Pure apart from what it remembers. */
export class ProgressReader {
	#rest = '';
	#seen = '';

	/** Feeds a piece of the report. `seconds`: how far the output is; `moved`: anything changed since the last piece. */
	read(chunk: string): { seconds: number | null; moved: boolean } {
		const lines = (this.#rest + chunk).split('\n');
		this.#rest = lines.pop() ?? '';
		let seconds: number | null = null;
		let moved = false;
		for (const line of lines) {
			const [key = '', value = ''] = line.trim().split('=');
			// Before the first packet the time is `N/A`, in some versions a huge negative number.
			if (key === 'out_time_us' && Number(value) >= 0) seconds = Number(value) / 1e6;
			if (!/^(frame|out_time_us|total_size|dup_frames|drop_frames|progress)$/.test(key)) continue;
			const state = `${key}=${value}`;
			if (this.#seen.includes(`|${state}|`)) continue;
			moved = true;
			this.#seen = `${this.#seen.replace(new RegExp(`\\|${key}=[^|]*\\|`), '')}|${state}|`;
		}
		return { seconds, moved };
	}
}

/** CPU seconds of the process, its threads included, from the last line of `-benchmark`. 0 when it was not printed. */
export function cpuSecondsOf(stderr: string): number {
	const found = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr);
	return found ? Number(found[1]) + Number(found[2]) : 0;
}

/** `details.reason` of the error for an output into which nothing was written. */
export const EMPTY_OUTPUT = 'empty_output';

/** What ffmpeg said when it gave up, as an error for the person who must act. Its own words go into `cause`. */
export function explainFailure(stderr: string, exit: string): PipelineError {
	const cause = new Error(`${exit}\n${stderr}`);
	if (/Cannot find ffmpeg|ENOENT/.test(exit)) {
		return new PipelineError(
			'processing_failed',
			'ffmpeg is not installed on the machine of the sidecar, or not on its PATH.',
			{ cause },
		);
	}
	const encoder = /Unknown encoder '([^']+)'/.exec(stderr)?.[1];
	if (encoder) {
		return new PipelineError(
			'processing_failed',
			`The ffmpeg of the sidecar was built without the encoder ${encoder}. Choose another format, or install a full ffmpeg.`,
			{ cause },
		);
	}
	const filter = /No such filter: '([^']+)'/.exec(stderr)?.[1];
	if (filter) {
		return new PipelineError('processing_failed', `The ffmpeg of the sidecar was built without the filter ${filter}${filter === 'ass' ? ', which comes with libass' : ''}. Install a full ffmpeg.`, { cause });
	}
	if (/No space left on device/.test(stderr)) {
		return new PipelineError('storage_full', 'The disk of the sidecar is full. Free some space, then retry the job.', {
			cause,
		});
	}
	if (/Cannot allocate memory/.test(stderr)) {
		return new PipelineError(
			'processing_failed',
			'The machine of the sidecar had too little memory for this media. Choose a smaller size, or give it more memory.',
			{ cause },
		);
	}
	if (/exceeds specified max_pixels|Picture size \S+ is invalid/i.test(stderr)) {
		return new PipelineError('input_too_large', 'The media holds pictures of more than 8192 x 8192 pixels.', { cause });
	}
	if (/Output file is empty|Empty output/.test(stderr)) {
		return new PipelineError(
			'input_corrupt',
			'The media holds nothing at the place asked for: no picture or sound could be read.',
			{ cause, details: { reason: EMPTY_OUTPUT } },
		);
	}
	if (
		/Invalid data found|moov atom not found|Error while decoding|error reading header|could not find codec parameters|maximum error rate|does not contain any stream|matches no streams/i.test(
			stderr,
		)
	) {
		return new PipelineError(
			'input_corrupt',
			'The media is damaged: ffmpeg could not read it to the end. Upload or export it again.',
			{ cause },
		);
	}
	if (/^ffmpeg was killed with signal SIG(SEGV|ABRT|BUS|FPE|ILL)/.test(exit)) {
		return new PipelineError(
			'processing_failed',
			'ffmpeg crashed on this media. Export it in another format, or update ffmpeg.',
			{ cause },
		);
	}
	if (/^ffmpeg was killed with signal/.test(exit)) {
		return new PipelineError(
			'processing_failed',
			'ffmpeg was ended from outside, most likely because the machine ran out of memory.',
			{ cause },
		);
	}
	return new PipelineError(
		'processing_failed',
		'ffmpeg could not make the file. The log of the sidecar has its words.',
		{ cause },
	);
}
