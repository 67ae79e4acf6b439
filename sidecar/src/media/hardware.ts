import { PipelineError } from '../errors.ts';
import type { MediaPlan, PlannedOutput, PlanResult } from './plan.ts';
import { runTool } from './process.ts';

/** Encoders on graphics chips, in the order in which `auto` tries them. */
export const HARDWARE = ['nvenc', 'qsv', 'vaapi', 'videotoolbox'] as const;
export type Hardware = (typeof HARDWARE)[number];

/** What works on this machine. */
export interface HardwareEncoder {
	hardware: Hardware;
	/** Software encoders that it stands in for. */
	instead: ReadonlySet<string>;
}

const CODECS: Record<string, string> = { libx264: 'h264', libx265: 'hevc' };

/** x264's presets as those of NVENC, 1 fastest to 7 best (ffmpeg -h encoder=h264_nvenc). */
const NVENC_PRESETS: Record<string, string> = {
	ultrafast: 'p1',
	superfast: 'p1',
	veryfast: 'p2',
	faster: 'p3',
	fast: 'p4',
	medium: 'p5',
	slow: 'p6',
	slower: 'p7',
	veryslow: 'p7',
};
/** Quick Sync knows no faster one than veryfast. */
const qsvPreset = (preset: string): string => (/^(ultra|super)fast$/.test(preset) ? 'veryfast' : preset);

/** Options that mean the same everywhere. */
const KEPT = new Set(['-profile:v', '-tag:v', '-g', '-movflags', '-c:a', '-b:a', '-ar', '-ac', '-an', '-f', '-metadata', '-map_metadata', '-map_chapters']);
/** Options that are translated below. */
const TRANSLATED = new Set(['-c:v', '-preset', '-crf', '-pix_fmt', '-maxrate', '-bufsize']);
/** Options without a value. */
const BARE = new Set(['-an']);

/** Where the device of VA-API is; there is one file per graphics chip, this is the first one's. */
const VAAPI_DEVICE = '/dev/dri/renderD128';

/**
 * Pure: options of libx264 or libx265 as those of a hardware encoder. Null: they say something that it cannot do (two
 * passes, tuning, settings of x264's own), and the processor must do it.
 */
export function hardwareOptions(options: string[], { hardware, instead }: HardwareEncoder): string[] | null {
	const found = new Map<string, string>();
	const kept: string[] = [];
	for (let at = 0; at < options.length; at++) {
		const name = options[at] ?? '';
		if (BARE.has(name)) {
			kept.push(name);
			continue;
		}
		const value = options[++at];
		if (value === undefined) return null;
		if (TRANSLATED.has(name)) found.set(name, value);
		else if (KEPT.has(name)) kept.push(name, value);
		else return null;
	}
	const software = found.get('-c:v') ?? '';
	const codec = CODECS[software];
	const crf = Number(found.get('-crf') ?? Number.NaN);
	const pixels = found.get('-pix_fmt') ?? 'yuv420p';
	// 10 bits: not every chip can, and none says so beforehand.
	if (!codec || !instead.has(software) || !Number.isFinite(crf) || pixels !== 'yuv420p') return null;
	const speed = found.get('-preset') ?? 'medium';
	return ['-c:v', `${codec}_${hardware}`, ...RATE[hardware](crf, speed, found.get('-maxrate'), found.get('-bufsize')), ...kept];
}

type Rate = (crf: number, preset: string, maxrate: string | undefined, bufsize: string | undefined) => string[];

const limit = (maxrate: string | undefined, bufsize: string | undefined): string[] => (maxrate ? ['-maxrate', maxrate, ...(bufsize ? ['-bufsize', bufsize] : [])] : []);

/** Quality the same way as CRF, as near as each comes; the scales differ by a step or two, which nobody sees. */
const RATE: Record<Hardware, Rate> = {
	nvenc: (crf, preset, maxrate, bufsize) => [
		...['-preset', NVENC_PRESETS[preset] ?? 'p5', '-rc', 'vbr', '-cq', String(Math.max(1, Math.round(crf))), '-b:v', '0'],
		...limit(maxrate, bufsize),
		...['-pix_fmt', 'yuv420p'],
	],
	qsv: (crf, preset, maxrate, bufsize) => [
		...['-preset', qsvPreset(preset), '-global_quality', String(Math.max(1, Math.round(crf)))],
		...limit(maxrate, bufsize),
		...['-pix_fmt', 'nv12'],
	],
	// With a limit there is no constant quality: the limit is then what is aimed at.
	vaapi: (crf, _preset, maxrate, bufsize) =>
		maxrate ? ['-rc_mode', 'VBR', '-b:v', maxrate, ...limit(maxrate, bufsize)] : ['-rc_mode', 'CQP', '-qp', String(Math.max(1, Math.round(crf)))],
	// 1 to 100, higher is better; 65 is about CRF 23 (HandBrake's documentation of VideoToolbox).
	videotoolbox: (crf, _preset, maxrate, bufsize) => [
		...['-q:v', String(Math.round(Math.min(100, Math.max(1, 65 - (crf - 23) * 2)))), '-pix_fmt', 'yuv420p'],
		...limit(maxrate, bufsize),
	],
};

/** What stands before the input, once per process. */
const DEVICE: Record<Hardware, string[]> = { nvenc: [], qsv: [], vaapi: ['-vaapi_device', VAAPI_DEVICE], videotoolbox: [] };
/** The last filter: pictures must be where the chip can reach them. */
const UPLOAD: Record<Hardware, string[]> = { nvenc: [], qsv: [], vaapi: ['format=nv12', 'hwupload'], videotoolbox: [] };

/** Pure: the plan with hardware encoders wherever they can do what is asked. Null: nowhere. */
export function hardwarePlan(plan: MediaPlan, encoder: HardwareEncoder): MediaPlan | null {
	const upload = UPLOAD[encoder.hardware];
	const outputs = plan.outputs.map((output): PlannedOutput | null => {
		const options = output.kind === 'video' && !(output.graph && upload.length > 0) ? hardwareOptions(output.options, encoder) : null;
		return options && { ...output, options, ...(upload.length > 0 ? { videoFilters: [...(output.videoFilters ?? []), ...upload] } : {}) };
	});
	if (!outputs.some((output) => output !== null)) return null;
	// On all of them, also those made by the processor: outputs with other options of the source would be decoded apart.
	const device = DEVICE[encoder.hardware];
	return {
		...plan,
		outputs: plan.outputs.map((output, index) => {
			const mapped = outputs[index] ?? output;
			return device.length > 0 ? { ...mapped, sourceOptions: [...device, ...(mapped.sourceOptions ?? [])] } : mapped;
		}),
	};
}

interface Request {
	plan: MediaPlan;
	signal: AbortSignal;
	log: { warn(details: object, message: string): void };
}

/** Runs plans on hardware, and on the processor what it cannot do or fails at. Results say which encoder made them. */
export function onHardware<R extends Request>(run: (request: R) => Promise<PlanResult>, encoder: HardwareEncoder | null): (request: R) => Promise<PlanResult> {
	if (!encoder) return run;
	return async (request) => {
		const software = async (): Promise<PlanResult> => named(await run(request), request.plan);
		const plan = hardwarePlan(request.plan, encoder);
		if (!plan) return software();
		try {
			return named(await run({ ...request, plan }), plan);
		} catch (error) {
			// What is wrong with the media is wrong on every encoder.
			if (request.signal.aborted || (error instanceof PipelineError && !error.code.startsWith('processing_'))) throw error;
			request.log.warn({ err: error, hardware: encoder.hardware }, 'the hardware encoder failed: the processor does it');
			return software();
		}
	};
}

function named(made: PlanResult, { outputs }: MediaPlan): PlanResult {
	const [encoder] = outputs.flatMap(({ kind, options }) => {
		const name = options[options.indexOf('-c:v') + 1];
		return kind === 'video' && options.includes('-c:v') && name && name !== 'copy' ? [name] : [];
	});
	return encoder ? { ...made, encoder } : made;
}

const TRY_TIMEOUT_MS = 20_000;

/** A few pictures, encoded for real: lists of encoders name also those whose chip or driver is missing. */
export async function tryHardware(hardware: Hardware): Promise<{ encoder: HardwareEncoder } | { problem: string }> {
	const instead = new Set<string>();
	let problem = '';
	for (const [software, codec] of Object.entries(CODECS)) {
		const options = hardwareOptions(['-c:v', software, '-crf', '23'], { hardware, instead: new Set([software]) }) ?? [];
		const filters = UPLOAD[hardware];
		const { code, stderr } = await runTool(
			'ffmpeg',
			[
				...['-nostdin', '-hide_banner', '-v', 'error', ...DEVICE[hardware]],
				...['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25:duration=0.4'],
				...(filters.length > 0 ? ['-vf', filters.join(',')] : []),
				...[...options, '-f', 'null', '-'],
			],
			{ timeoutMs: TRY_TIMEOUT_MS },
		).catch((error: Error) => ({ code: 1, stderr: error.message }));
		if (code === 0) instead.add(software);
		else if (!problem) problem = `${codec}_${hardware}: ${firstLine(stderr)}`;
	}
	// H.264 is what nearly everything becomes.
	return instead.has('libx264') ? { encoder: { hardware, instead } } : { problem };
}

const firstLine = (stderr: string): string =>
	stderr
		.split('\n')
		.map((line) => line.replace(/^\[[^\]]*\] /, '').trim())
		.find((line) => line !== '') ?? 'ffmpeg gave no reason';

export interface HardwareFound {
	encoder: HardwareEncoder | null;
	/** For the check at boot: one that was named does not work. */
	problem: string | null;
}

/** What the setting HARDWARE_ENCODER comes to on this machine. */
export async function findHardware(setting: 'off' | 'auto' | Hardware): Promise<HardwareFound> {
	if (setting === 'off') return { encoder: null, problem: null };
	for (const hardware of setting === 'auto' ? HARDWARE : [setting]) {
		const tried = await tryHardware(hardware);
		if ('encoder' in tried) return { encoder: tried.encoder, problem: null };
		if (setting !== 'auto') {
			return { encoder: null, problem: `HARDWARE_ENCODER: ${hardware} does not work on this machine (${tried.problem}). Install its driver and an ffmpeg built with it, or choose auto or off.` };
		}
	}
	return { encoder: null, problem: null };
}
