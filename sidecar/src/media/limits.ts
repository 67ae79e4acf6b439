import { PipelineError } from '../errors.ts';
import type { MediaFacts } from './facts.ts';
import type { MediaPlan } from './plan.ts';

/**
 * A day of one core: what a job gets by default (`deadline_seconds`), and about 9 h of 4K at 60 pictures a second made
 * small. Files of a few kB can claim more than that: thousands of hours, or pictures of 67 megapixels without end.
 */
export const MAX_CPU_SECONDS = 86_400;

/** Throws `input_too_large` for work that would never end. */
export function refuseTooMuchWork({ estimatedCpuSeconds: estimated }: MediaPlan, { durationSeconds, video }: MediaFacts, most = MAX_CPU_SECONDS): void {
	if (estimated <= most) return;
	const hours = (seconds: number): string => `${Math.round(seconds / 360) / 10} h`;
	const what = [hours(durationSeconds), ...(video ? [`${video.width} x ${video.height} pixels`, `${video.frameRate} pictures per second`] : [])];
	throw new PipelineError(
		'input_too_large',
		`This would take about ${hours(estimated)} of computing; at most ${hours(most)} are allowed. The file says of itself: ${what.join(', ')}. Trim it, or choose a smaller size or a faster preset.`,
		{ details: { estimated_cpu_seconds: Math.round(estimated), max_cpu_seconds: most, duration_seconds: durationSeconds } },
	);
}
