import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { EarlyFile, MediaPlan, PlannedOutput, PlanResult } from '../../../sidecar/src/media/plan.ts';
import { createGroup } from '../../../sidecar/src/pipeline/group.ts';
import type { RunPlanRequest } from '../../../sidecar/src/pipeline/worker-deps.ts';
import { videoFacts } from '../../support/facts.ts';

const picture = (name: string, change: Partial<PlannedOutput> = {}): PlannedOutput => ({ name, kind: 'image', mime: 'image/jpeg', videoFilters: ['scale=160:-2'], options: ['-c:v', 'mjpeg'], expectedSeconds: 0, ...change });
const film: PlannedOutput = { name: 'film.mp4', kind: 'video', mime: 'video/mp4', options: ['-c:v', 'libx264'], expectedSeconds: 60 };
const text: PlannedOutput = { name: 'scenes', kind: 'text', mime: 'text/plain', videoFilters: ['metadata=print:file={text}'], options: [], expectedSeconds: 60 };

describe('plans that are run together', () => {
	let workRoot: string;
	beforeAll(async () => void (workRoot = await mkdtemp(join(tmpdir(), 'group-'))));
	afterAll(() => rm(workRoot, { recursive: true, force: true }));

	/** Runs the plans as those of one group; `ffmpeg` stands for the process. */
	const run = async (plans: MediaPlan[], ffmpeg: (request: RunPlanRequest) => Promise<PlanResult>) => {
		const told: string[] = [];
		const group = createGroup({ runPlan: ffmpeg, workRoot }, plans.length, pino({ level: 'silent' }));
		const made = await Promise.all(
			plans.map((plan, index) =>
				group.seats[index]!.makePlan({
					inputPath: '/film.mp4',
					facts: videoFacts(),
					plan,
					workDir: workRoot,
					signal: new AbortController().signal,
					onProgress: () => {},
					onEarly: ({ name }) => void told.push(`${index}/${name}`),
					log: pino({ level: 'silent' }),
				}),
			),
		);
		await group.close();
		return { made, told };
	};
	const plan = (outputs: PlannedOutput[], estimatedCpuSeconds: number): MediaPlan => ({ outputs, estimatedCpuSeconds });
	/** Makes everything; pictures are whole at once. */
	const makes = (cpuSeconds: number, texts: Record<string, string> = {}) => async ({ plan: { outputs }, onEarly }: RunPlanRequest): Promise<PlanResult> => {
		const files = outputs.filter(({ kind }) => kind !== 'text').map(({ name, mime, kind }) => ({ name, mime, kind, path: `/made/${name}` }));
		for (const { kind, ...file } of files) if (kind === 'image') onEarly?.({ ...file, path: `/early/${file.name}`, final: true } satisfies EarlyFile);
		return { files: files.map(({ kind: _, ...file }) => file), texts: Object.fromEntries(outputs.flatMap(({ name, kind, videoFilters }) => (kind === 'text' || videoFilters?.join().includes('{text}') ? [[name, texts[name] ?? '']] : []))), cpuSeconds };
	};

	it('several pictures of one plan are handed out together, to nobody before', async () => {
		const { made, told } = await run([plan([picture('a.jpg'), picture('b.jpg')], 2), plan([film], 8)], makes(10));
		expect(made[0]!.files.map(({ path }) => path)).toEqual(['/early/0/a.jpg', '/early/0/b.jpg']);
		// Whoever is told of a file may move it: then the result would name what is gone.
		expect(told).toEqual([]);
	});

	it('pictures with a text beside them wait for the text', async () => {
		const { made, told } = await run([plan([picture('best.jpg', { videoFilters: ['metadata=print:file={text}'] })], 2), plan([film], 8)], makes(10, { '0/best.jpg': 'score' }));
		expect(made[0]!.texts).toEqual({ 'best.jpg': 'score' });
		expect(told).toEqual(['0/best.jpg']);
	});

	it('are charged what the process cost, early ones included', async () => {
		const { made } = await run([plan([picture('a.jpg')], 2), plan([film], 6), plan([{ ...film, name: 'other.mp4' }], 2)], makes(22));
		expect(made.map(({ cpuSeconds }) => Math.round(cpuSeconds * 1000) / 1000)).toEqual([2, 15, 5]);
	});

	it('one whose text stays empty is run alone, where that is an error if it holds nothing', async () => {
		const processes: string[][] = [];
		const ran = run([plan([text], 2), plan([film], 8)], async (request) => {
			processes.push(request.plan.outputs.map(({ name }) => name));
			if (request.plan.outputs.length === 1) throw new Error('Empty output');
			return makes(10)(request);
		});
		await expect(ran).rejects.toThrow('Empty output');
		expect(processes).toEqual([['0/scenes', '1/film.mp4'], ['scenes']]);
	});

	it('one that writes no text is not run again for want of it', async () => {
		const processes: string[][] = [];
		const idle: PlannedOutput = { ...text, name: 'idle', videoFilters: ['scale=320:-2'] };
		const { made } = await run([plan([idle], 2), plan([film], 8)], async (request) => {
			processes.push(request.plan.outputs.map(({ name }) => name));
			return makes(10)(request);
		});
		expect(processes).toEqual([['0/idle', '1/film.mp4']]);
		expect(made.map(({ cpuSeconds }) => cpuSeconds)).toEqual([2, 8]);
	});
});
