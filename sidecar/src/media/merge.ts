import type { MediaFacts } from './facts.ts';
import type { FilterGraph, MediaPlan, PlanResult, PlannedOutput } from './plan.ts';

/** Several plans on one source as one, so that one process decodes it once. Pure. */

/**
 * How a plan is best run.
 * - `together`: it decodes the whole source, which is worth sharing.
 * - `soon`: it gains nothing from others and is done in a moment: it must not wait for an encode of minutes.
 * - `apart`: it gains nothing either, but takes its time: better in a process of its own, beside the others.
 */
export type Company = 'together' | 'soon' | 'apart';

/** About as long as people are willing to look at a spinner; also what preparing a merged process may well take. */
const SOON_CPU_SECONDS = 5;

export function companyFor(plan: MediaPlan, facts: MediaFacts): Company {
	// A still picture, as a source, is decoded in no time.
	const dear = facts.durationSeconds > 0 && plan.outputs.some((output) => decodesAll(output, facts));
	if (dear) return 'together';
	return plan.estimatedCpuSeconds <= SOON_CPU_SECONDS || plan.outputs.every((output) => isCheap(output, facts)) ? 'soon' : 'apart';
}

/** Where there are pictures, decoding the sound costs about a hundredth of decoding them (0.02 s against 5.6 s, 20 s of 1080p). */
const decodesAll = (output: PlannedOutput, facts: MediaFacts): boolean =>
	!output.seekSeconds && output.durationSeconds === undefined && !output.sourceOptions?.length && !output.excerpts?.length && (facts.video ? usesPictures(output) : !copies(output, 'a'));

function usesPictures(output: PlannedOutput): boolean {
	if (output.excerpts?.length) return true;
	if (output.graph) return /\[v\]/.test(output.graph.filters) || (output.graph.map.includes('v') && !copies(output, 'v'));
	if (output.kind === 'audio' || output.options.includes('-vn')) return false;
	if (output.kind === 'text') return (output.videoFilters ?? []).length > 0;
	return !copies(output, 'v');
}

/** Streams that are copied, sound, and one picture after a seek. */
const isCheap = (output: PlannedOutput, facts: MediaFacts): boolean => output.kind === 'image' || !facts.video || !usesPictures(output);

const copies = ({ options }: PlannedOutput, type: 'v' | 'a'): boolean => {
	const names = new Set(['-c', '-codec', `-c:${type}`, `-codec:${type}`, `-${type}codec`]);
	return options.some((option, index) => option === 'copy' && names.has((options[index - 1] ?? '').replace(/:\d+$/, '')));
};

/**
 * Of two jobs that run together, the quick one waits for the slow one. Decoding once saves less than a tenth of the slow one
 * where they are further apart than this: then the wait is not worth it.
 */
const MOST_APART = 8;

/** @param a @param b CPU seconds */
export const areAlike = (a: number, b: number): boolean => Math.max(a, b) <= MOST_APART * Math.min(a, b);

/**
 * Encoders keep some 40 pictures each (look-ahead, references, threads): 8 of 1080p take about 1 GB. With more than 12
 * outputs, however small, the slowest of them holds up too many others.
 */
const MOST_PIXELS = 8 * 1920 * 1080;
const MOST_OUTPUTS = 12;

/** What part of one process a plan takes up; 1 fills it. */
export const loadOf = ({ outputs }: MediaPlan, facts: MediaFacts): number =>
	outputs.reduce((sum, output) => sum + Math.max(1 / MOST_OUTPUTS, encodedPixels(output, facts) / MOST_PIXELS), 0);

/** Pixels of what is encoded, by the last scaling of each branch; without one, those of the source. */
function encodedPixels(output: PlannedOutput, { video }: MediaFacts): number {
	if (!video || output.kind === 'text' || output.kind === 'audio') return 0;
	const source = video.width * video.height;
	const branches = output.graph ? output.graph.filters.split(';') : [(output.videoFilters ?? []).join(',')];
	const scaled = branches.flatMap((filters) => {
		const last = [...filters.matchAll(/(?:^|[,\]])scale=(\d+):(\d+)/g)].at(-1);
		return last ? [Number(last[1]) * Number(last[2])] : [];
	});
	return scaled.length > 0 ? scaled.reduce((sum, one) => sum + one, 0) : source;
}

/** Small sums of twelfths must not exceed the limit by a rounding. */
const ROUNDING = 1e-9;
export const isTooMuch = (load: number): boolean => load > 1 + ROUNDING;

/** In their order, as many into each process as it holds. A plan that is too large by itself stays alone. */
export function pack<T extends { plan: MediaPlan; facts: MediaFacts }>(parts: readonly T[]): T[][] {
	const processes: T[][] = [];
	let load = Infinity;
	for (const part of parts) {
		const own = loadOf(part.plan, part.facts);
		load += own;
		if (isTooMuch(load)) {
			processes.push([part]);
			load = own;
		} else processes.at(-1)?.push(part);
	}
	return processes;
}

export interface Part<Input> {
	plan: MediaPlan;
	/** Its further inputs. */
	inputs: Input[];
}

export interface Merged<Input> {
	plan: MediaPlan;
	inputs: Input[];
	/** Which part an output of the merged plan belongs to, and what it is called there. */
	ownerOf(name: string): { part: number; name: string };
	/** What each part made, with its share of the CPU time by the estimates. */
	split(result: PlanResult): PlanResult[];
}

/** Outputs of the part 2 lie below `2/`; its further inputs come after those of the parts before it. */
export function mergePlans<Input>(parts: ReadonlyArray<Part<Input>>): Merged<Input> {
	const inputs: Input[] = [];
	const inputOptions: string[][] = [];
	const outputs = parts.flatMap(({ plan, inputs: own }, part) => {
		const offset = inputs.length;
		inputs.push(...own);
		inputOptions.push(...own.map((_, index) => plan.inputOptions?.[index] ?? []));
		return plan.outputs.map((output) => ({
			...output,
			name: `${part}/${output.name}`,
			...(output.graph ? { graph: renumbered(output.graph, offset) } : {}),
		}));
	});
	const estimates = parts.map(({ plan }) => plan.estimatedCpuSeconds);
	const estimatedCpuSeconds = estimates.reduce((sum, one) => sum + one, 0);
	const shareOf = (part: number): number => (estimatedCpuSeconds > 0 ? (estimates[part] ?? 0) / estimatedCpuSeconds : 1 / parts.length);
	return {
		plan: { outputs, estimatedCpuSeconds, ...(inputOptions.some((options) => options.length > 0) ? { inputOptions } : {}) },
		inputs,
		ownerOf,
		split: ({ files, texts, cpuSeconds, encoder }) =>
			parts.map(({ plan }, part) => ({
				files: files.flatMap((file) => (ownerOf(file.name).part === part ? [{ ...file, name: ownerOf(file.name).name }] : [])),
				texts: Object.fromEntries(Object.entries(texts).flatMap(([name, text]) => (ownerOf(name).part === part ? [[ownerOf(name).name, text]] : []))),
				cpuSeconds: cpuSeconds * shareOf(part),
				...(encoder && plan.outputs.some(encodesVideo) ? { encoder } : {}),
			})),
	};
}

const encodesVideo = (output: PlannedOutput): boolean => output.kind === 'video' && output.options.includes('-c:v') && !copies(output, 'v');

function ownerOf(name: string): { part: number; name: string } {
	const slash = name.indexOf('/');
	return { part: Number(name.slice(0, slash)), name: name.slice(slash + 1) };
}

/** `[v1]` and `[a1]` name the first further input; `[v]` and `[a]`, and all other labels, stay. */
const renumbered = ({ filters, map }: FilterGraph, offset: number): FilterGraph => {
	const shift = (text: string): string => text.replace(/\[([va])(\d+)\]/g, (_, type: string, place: string) => `[${type}${Number(place) + offset}]`);
	return { filters: shift(filters), map: map.map(shift) };
};
