import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { runPlan } from '../../../sidecar/src/media/engine.ts';
import type { MediaFacts } from '../../../sidecar/src/media/facts.ts';
import type { MediaPlan, PlanResult } from '../../../sidecar/src/media/plan.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { compress } from '../../../sidecar/src/operations/video/compress.ts';
import { createConvert } from '../../../sidecar/src/operations/video/convert.ts';
import { thumbnail } from '../../../sidecar/src/operations/video/thumbnail.ts';
import { CORPUS, oddFile, type Expected, type Odd } from '../../fixtures/corpus.ts';
import { ffmpeg } from '../../fixtures/make.ts';
import { inFolder, silentLog } from '../../support/engine.ts';
import { beepAt, colourAt, combedPictures, flashAt, frameCount, type Side } from '../../support/look.ts';

/** CPU seconds for all that is made of a file of two seconds, the largest included. */
const MOST_CPU_SECONDS = 15;
const MOST_MEGABYTES = 400;

/** What two operations and a filter graph make of a video, in one process; of a sound, what `convert` makes. */
function planOf(facts: MediaFacts): MediaPlan {
	if (!facts.video) return createConvert().plan(facts, createConvert().params.parse({ format: 'm4a_aac' }));
	const small = compress.plan(facts, compress.params.parse({}));
	const picture = thumbnail.plan(facts, thumbnail.params.parse({ width: 160 }));
	const graph: MediaPlan['outputs'][0] = {
		name: 'graph.mp4',
		kind: 'video',
		mime: 'video/mp4',
		graph: { filters: '[v]split[one][two];[one]scale=64:64,setsar=1[left];[two]scale=64:64,setsar=1[right];[left][right]hstack[out]', map: ['[out]', 'a?'] },
		options: ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-ac', '2'],
		expectedSeconds: facts.durationSeconds,
	};
	return { ...small, outputs: [...small.outputs, ...picture.outputs, graph] };
}

const work = (path: string, facts: MediaFacts, workDir: string): Promise<PlanResult> =>
	runPlan({ inputPath: path, facts, plan: planOf(facts), workDir, signal: new AbortController().signal, onProgress: () => {}, log: silentLog });

async function codeOf(promise: Promise<unknown>): Promise<string> {
	const error: unknown = await promise.then(() => 'nothing', (thrown: unknown) => thrown);
	return error instanceof PipelineError ? error.code : String(error);
}

const CASES = Object.entries(CORPUS).map(([name, file]) => [file.odd, name, file] as const);

describe('the corpus', () => {
	it('has at least 40 files', () => {
		expect(CASES.length).toBeGreaterThanOrEqual(40);
	});
});

describe('a file with', () => {
	const working = CASES.filter(([, , { expect }]) => !('refused' in expect));
	it.each(working)('%s: is made ordinary', async (_odd, name, file) => {
		const path = oddFile(name);
		const facts = await probe(path);
		await inFolder(async (workDir) => {
			const made = await work(path, facts, workDir);
			expect(made.cpuSeconds).toBeLessThan(MOST_CPU_SECONDS);
			const { maxMegabytes = MOST_MEGABYTES } = file.expect as Expected;
			expect((made.maxRssBytes ?? 0) / 1e6).toBeLessThan(maxMegabytes);
			// Elsewhere it cannot be found out.
			if (process.platform === 'linux') expect(made.maxRssBytes).toBeGreaterThan(1e6);
			const [main, picture, graph] = made.files;
			await (facts.video ? checkVideo({ original: path, main: main!.path, graph: graph!.path }, facts, file) : checkSound(file, main!.path));
			if (!facts.video) return;
			expect(await probe(picture!.path)).toMatchObject({ fileType: 'image', mime: 'image/jpeg' });
			expect(await probe(graph!.path)).toMatchObject({ video: { width: 128, height: 64, interlaced: false, hdr: null } });
		});
	});
});

describe('a file with', () => {
	const broken = CASES.flatMap(([odd, name, { expect: expected }]) => ('refused' in expected ? [[odd, expected.refused, name, expected] as const] : []));
	it.each(broken)('%s: is refused with %s', async (_odd, code, name, { by }) => {
		const path = oddFile(name);
		if (by === 'probe') {
			expect(await codeOf(probe(path))).toBe(code);
			return;
		}
		const facts = await probe(path);
		await inFolder(async (workDir) => expect(await codeOf(work(path, facts, workDir))).toBe(code));
	});
});

/** B pictures and MP3 in AVI, which has no times for them. */
const OLD = /\.avi$/;

async function checkVideo({ original, main: path, graph }: { original: string; main: string; graph: string }, source: MediaFacts, file: Odd): Promise<void> {
	const { size = [320, 180], seconds = [1.9, 2.1], sound = true, sync = sound, red = 'left', mapped, minFrames, maxFrames, facts = {} } = file.expect as Expected;
	expect(source.video).toMatchObject(facts);
	const made = await probe(path);
	expect(made.video).toMatchObject({ codec: 'h264', pixelFormat: expect.stringMatching(/^yuvj?420p$/), width: size[0], height: size[1] });
	expect(made.video).toMatchObject({ interlaced: false, hdr: null, bitDepth: 8 });
	// What complies is copied, with the note that it is to be turned; players heed it.
	const copied = made.video?.storedWidth === source.video?.storedWidth && made.video?.rotation === source.video?.rotation;
	if (!copied) expect(made.video).toMatchObject({ rotation: 0, pixelAspect: 1 });
	expect(made.durationSeconds).toBeGreaterThanOrEqual(seconds[0]);
	expect(made.durationSeconds).toBeLessThanOrEqual(seconds[1]);
	expect(made.audio !== null).toBe(sound);
	// Where the stream was copied, the one that was encoded shows what we do to times.
	const encoded = copied ? graph : path;
	if (minFrames) expect(frameCount(encoded)).toBeGreaterThanOrEqual(minFrames);
	if (maxFrames) expect(frameCount(encoded)).toBeLessThanOrEqual(maxFrames);
	if (sync) {
		// Encoders of old formats delay the one or the other: what the source is off by is not ours.
		const was = flashAt(original) - beepAt(original);
		expect(Math.abs(flashAt(encoded) - beepAt(encoded) - was)).toBeLessThanOrEqual(0.04);
		if (!OLD.test(original)) expect(Math.abs(was)).toBeLessThanOrEqual(0.06);
	}
	if (red) expectRed(path, made.durationSeconds < 0.3 ? 0 : 0.3, red);
	if (mapped) {
		expect(made.video).toMatchObject({ colorPrimaries: 'bt709', colorTransfer: 'bt709', colorSpace: 'bt709', colorRange: 'tv' });
		const [r, g, b] = colourAt(path, 1.1, 'right');
		// White stays white, and light: as bright as it came it would be 255, merely relabelled about 140.
		expect(Math.max(r, g, b) - Math.min(r, g, b)).toBeLessThan(12);
		expect(r).toBeGreaterThan(170);
	}
}

function expectRed(path: string, at: number, side: Side): void {
	const opposite = { left: 'right', right: 'left', top: 'bottom', bottom: 'top' } as const;
	const [r, g, b] = colourAt(path, at, side);
	expect(r).toBeGreaterThan(2 * Math.max(g, b));
	const there = colourAt(path, at, opposite[side]);
	expect(there[2]).toBeGreaterThan(there[0]);
}

async function checkSound(file: Odd, path: string): Promise<void> {
	const { seconds = [1.9, 2.1] } = file.expect as Expected;
	const made = await probe(path);
	expect(made).toMatchObject({ fileType: 'audio', audio: { codec: 'aac' } });
	expect(made.durationSeconds).toBeGreaterThanOrEqual(seconds[0]);
	expect(made.durationSeconds).toBeLessThanOrEqual(seconds[1]);
	// It can be decoded to its end.
	execFileSync('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'], { stdio: 'pipe' });
}

describe('fields', () => {
	it('leave no combs on what moves', async () => {
		await inFolder(async (workDir) => {
			const path = join(workDir, 'moving.mp4');
			ffmpeg('-f', 'lavfi', '-i', 'smptebars=s=320x240:r=50:d=1', '-vf', 'scroll=h=0.03,interlace', '-c:v', 'libx264', '-flags', '+ilme+ildct', '-pix_fmt', 'yuv420p', path);
			expect(combedPictures(path)).toBeGreaterThan(15);
			const made = await work(path, await probe(path), workDir);
			expect(combedPictures(made.files[0]!.path)).toBe(0);
		});
	});
});

describe('the sound alone', () => {
	const extract = async (name: string): Promise<PlanResult> => {
		const path = oddFile(name);
		const facts = await probe(path);
		const convert = createConvert();
		const plan = convert.plan(facts, convert.params.parse({ format: 'wav' }));
		return inFolder((workDir) => runPlan({ inputPath: path, facts, plan, workDir, signal: new AbortController().signal, onProgress: () => {}, log: silentLog }));
	};

	it('may be shorter than the picture', async () => {
		expect((await extract('longerPicture')).files[0]?.durationSeconds).toBeCloseTo(2, 1);
	});

	it('of a file that breaks off is refused', async () => {
		expect(await codeOf(extract('mkvCutOff'))).toBe('input_corrupt');
	});
});
