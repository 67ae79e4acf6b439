import { PipelineError } from '../../../sidecar/src/errors.ts';
import { h264 } from '../../../sidecar/src/media/codecs.ts';
import { findHardware, HARDWARE, hardwareOptions, hardwarePlan, onHardware, tryHardware, type Hardware, type HardwareEncoder } from '../../../sidecar/src/media/hardware.ts';
import type { MediaPlan, PlanResult } from '../../../sidecar/src/media/plan.ts';
import { runPlan, type RunPlan } from '../../../sidecar/src/media/engine.ts';
import { compress } from '../../../sidecar/src/operations/video/compress.ts';
import { inFolder, request } from '../../support/engine.ts';
import { videoFacts } from '../../support/facts.ts';

const chip = (hardware: Hardware, instead = ['libx264', 'libx265']): HardwareEncoder => ({ hardware, instead: new Set(instead) });
const planOf = (params: Record<string, unknown>): MediaPlan => compress.plan(videoFacts(), compress.params.parse(params));

describe('options of a hardware encoder', () => {
	it.each<[Hardware, string]>([
		['nvenc', '-c:v h264_nvenc -preset p5 -rc vbr -cq 28 -b:v 0 -maxrate 900k -bufsize 1800k -pix_fmt yuv420p -profile:v high'],
		['qsv', '-c:v h264_qsv -preset medium -global_quality 28 -maxrate 900k -bufsize 1800k -pix_fmt nv12 -profile:v high'],
		['vaapi', '-c:v h264_vaapi -rc_mode VBR -b:v 900k -maxrate 900k -bufsize 1800k -profile:v high'],
		['videotoolbox', '-c:v h264_videotoolbox -q:v 55 -pix_fmt yuv420p -maxrate 900k -bufsize 1800k -profile:v high'],
	])('of %s ask for the same', (hardware, expected) => {
		expect(hardwareOptions([...h264(28, 'medium'), '-maxrate', '900k', '-bufsize', '1800k'], chip(hardware))?.join(' ')).toBe(expected);
	});

	it('keep what has nothing to do with the encoder', () => {
		const options = hardwareOptions(['-c:v', 'libx265', '-crf', '28', '-tag:v', 'hvc1', '-an', '-movflags', '+faststart'], chip('vaapi'));
		expect(options).toEqual(['-c:v', 'hevc_vaapi', '-rc_mode', 'CQP', '-qp', '28', '-tag:v', 'hvc1', '-an', '-movflags', '+faststart']);
	});

	it.each([
		['two passes', [...h264(23), '-pass', '1']],
		['tuning', [...h264(23), '-tune', 'ssim']],
		['settings of x264', [...h264(23), '-x264-params', 'keyint=50']],
		['10 bits', ['-c:v', 'libx265', '-crf', '28', '-pix_fmt', 'yuv420p10le']],
		['a bitrate instead of a quality', ['-c:v', 'libx264', '-b:v', '2M']],
		['another codec', ['-c:v', 'libvpx-vp9', '-crf', '30']],
		['a copy', ['-c:v', 'copy']],
	])('there are none for %s', (_what, options) => {
		for (const hardware of HARDWARE) expect(hardwareOptions(options, chip(hardware))).toBeNull();
	});

	it('there are none for a codec that this chip does not have', () => {
		expect(hardwareOptions(['-c:v', 'libx265', '-crf', '28'], chip('qsv', ['libx264']))).toBeNull();
	});
});

describe('a plan on hardware', () => {
	it('brings the pictures to the chip where they must be there', () => {
		expect(hardwarePlan(planOf({}), chip('vaapi'))?.outputs[0]).toMatchObject({
			sourceOptions: ['-vaapi_device', '/dev/dri/renderD128'],
			videoFilters: ['scale=1280:720', 'setsar=1', 'format=nv12', 'hwupload'],
		});
		expect(hardwarePlan(planOf({}), chip('nvenc'))?.outputs[0]).not.toHaveProperty('sourceOptions');
	});

	it('is none where the picture is copied, or found by samples of x264', () => {
		expect(hardwarePlan(planOf({ mode: 'smart' }), chip('nvenc'))).toBeNull();
		expect(hardwarePlan(planOf({ height: 1080, crf: 0 }), chip('nvenc'))).toBeNull();
	});
});

describe('hardware that does not work', () => {
	it('is not found where there is none, and said so by name', async () => {
		// Machines that run tests have no graphics chip; where one has, there is nothing to see here.
		const tried = await Promise.all(HARDWARE.map(tryHardware));
		for (const [index, one] of tried.entries()) {
			if ('encoder' in one) continue;
			const hardware = HARDWARE[index]!;
			expect(one.problem).toMatch(new RegExp(`^h264_${hardware}: .+`));
			expect((await findHardware(hardware)).problem).toMatch(new RegExp(`^HARDWARE_ENCODER: ${hardware} does not work on this machine \\(h264_${hardware}: .+ choose auto or off`));
		}
		const works = tried.find((one) => 'encoder' in one);
		expect(await findHardware('auto')).toEqual({ encoder: works && 'encoder' in works ? works.encoder : null, problem: null });
		expect(await findHardware('off')).toEqual({ encoder: null, problem: null });
	}, 60_000);

	it('leaves the work to the processor, and the result says so', async () => {
		await inFolder(async (folder) => {
			const tries: string[] = [];
			const run = (one: RunPlan) => {
				tries.push(one.plan.outputs[0]!.options[1]!);
				return runPlan(one);
			};
			const plan: MediaPlan = { outputs: [{ name: 'made.mp4', kind: 'video', mime: 'video/mp4', options: h264(30, 'ultrafast'), expectedSeconds: 2 }], estimatedCpuSeconds: 1 };
			// No machine has this device: the real ffmpeg fails for real.
			const made = await onHardware(run, chip('vaapi'))(await request('silent', folder, { plan }));
			expect(tries).toEqual(['h264_vaapi', 'libx264']);
			expect(made).toMatchObject({ encoder: 'libx264', files: [{ name: 'made.mp4', width: 640, height: 360 }] });
		});
	}, 60_000);

	it('is no reason to try again what was called off, or cannot be read', async () => {
		await inFolder(async (folder) => {
			const aborted = new AbortController();
			aborted.abort();
			for (const [error, signal] of [
				[new PipelineError('processing_failed', 'ended'), aborted.signal],
				[new PipelineError('input_corrupt', 'damaged'), new AbortController().signal],
			] as const) {
				const tries: string[] = [];
				const run = (one: RunPlan): Promise<PlanResult> => {
					tries.push(one.plan.outputs[0]!.options[1]!);
					return Promise.reject(error);
				};
				await expect(onHardware(run, chip('nvenc'))({ ...(await request('silent', folder, { plan: planOf({}) })), signal })).rejects.toBe(error);
				expect(tries).toEqual(['h264_nvenc']);
			}
		});
	});
});
