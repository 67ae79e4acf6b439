import { eq } from 'drizzle-orm';
import { files, jobs } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { startWorker, type Worker } from '../../../sidecar/src/pipeline/worker.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, noop, until, type TestPipeline } from '../../support/pipeline.ts';
import { encoder, rung, storedVideo, type Encoder } from '../../support/renditions.ts';

interface Answer {
	url: string;
	expires_at: string;
	status: string;
	progress: number;
	job_id: string;
	error: { code: string; message: string };
}

describe('renditions that are made when they are asked for', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	let hasty: TestApp;
	let worker: Worker;
	let ffmpeg: Encoder;

	beforeAll(async () => {
		pipeline = await createTestPipeline({ operations: [rung, noop()] });
		pipeline.deps.runPlan = (request) => ffmpeg.runPlan(request);
		pipeline.deps.wake.jobs = () => worker.wake();
		await createWorkspace(pipeline.deps.db, 'mine', 'key-mine-0123456789');
		await createWorkspace(pipeline.deps.db, 'theirs', 'key-theirs-0123456789');
		app = await startTestApp(pipeline);
		hasty = await startTestApp(pipeline, { renditionWaitSeconds: 0.001 });
		worker = startWorker(pipeline.deps);
	});
	afterAll(async () => {
		await worker.stop();
		await app.close();
		await hasty.close();
		await pipeline.close();
	});
	beforeEach(() => void (ffmpeg = encoder()));

	const ask = async (assetId: string, body: Record<string, unknown>, key = 'key-mine-0123456789') => {
		const response = await fetch(`${app.url}/api/media/assets/${assetId}/renditions`, {
			method: 'POST',
			headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		return { status: response.status, body: (await response.json()) as Answer };
	};
	const newAsset = () => storedVideo(pipeline.deps.db, 'mine');
	const linkTo = async (assetId: string, body: Record<string, unknown> = {}) => (await ask(assetId, { operation: 'rung', ...body })).body.url;
	const get = async (url: string, method = 'GET') => {
		const response = await fetch(url, { method, redirect: 'manual' });
		const text = await response.text();
		return { status: response.status, headers: response.headers, location: response.headers.get('location'), body: (text.startsWith('{') ? JSON.parse(text) : {}) as Answer };
	};
	const jobsOf = (assetId: string) => pipeline.deps.db.select().from(jobs).where(eq(jobs.assetId, assetId));

	it('are made once, however many ask at the same moment, and lead to the file', async () => {
		const asset = await newAsset();
		const url = await linkTo(asset, { params: { height: 240 } });
		expect(await jobsOf(asset)).toHaveLength(0);
		const answers = await Promise.all(Array.from({ length: 100 }, () => get(url)));
		expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([302]));
		expect(await (await fetch(url)).text()).toBe('content of rung-240.mp4');
		expect(ffmpeg.runs).toBe(1);
		expect(await jobsOf(asset)).toMatchObject([{ status: 'completed', attempts: 1, priority: 8, params: { height: 240, manifest: false } }]);
	});

	it('are one for links that mean the same, and others for those that do not', async () => {
		const asset = await newAsset();
		for (const body of [{}, { params: { height: 360 } }, { expires_in_seconds: 60 }, { file: 'poster.jpg' }]) expect((await get(await linkTo(asset, body))).status).toBe(302);
		expect(await jobsOf(asset)).toHaveLength(1);
		await get(await linkTo(asset, { params: { height: 480 } }));
		expect(await jobsOf(asset)).toHaveLength(2);
	});

	it('answer 202 with the progress when they take longer than the request waits, and go on', async () => {
		const asset = await newAsset();
		let open = (): void => {};
		ffmpeg.gate = new Promise((resolve) => (open = resolve));
		const url = (await linkTo(asset)).replace(app.url, hasty.url);
		const first = await get(url);
		expect(first).toMatchObject({ status: 202, body: { progress: 0, job_id: expect.any(String) } });
		expect(Number(first.headers.get('retry-after'))).toBe(8);
		expect(first.headers.get('cache-control')).toBe('no-store');
		expect((await get(url)).body.job_id).toBe(first.body.job_id);
		open();
		await until(async () => (await get(url)).status === 302, 'it is made');
		expect(ffmpeg.runs).toBe(1);
	});

	it('keep nobody waiting longer for the sake of those who come later', async () => {
		const asset = await newAsset();
		let open = (): void => {};
		ffmpeg.gate = new Promise((resolve) => (open = resolve));
		const url = await linkTo(asset);
		const patient = await startTestApp(pipeline, { renditionWaitSeconds: 1 });
		try {
			let answered = false;
			const first = get(url.replace(app.url, patient.url)).finally(() => (answered = true));
			const others: Array<Promise<unknown>> = [];
			// More come all the time, until the first has its answer.
			await until(async () => {
				others.push(get(url.replace(app.url, patient.url)));
				return answered;
			}, 'the first is answered', 10_000);
			expect((await first).status).toBe(202);
			open();
			await Promise.all(others);
		} finally {
			open();
			await patient.close();
		}
	}, 30_000);

	it('are not begun by HEAD', async () => {
		const asset = await newAsset();
		const url = await linkTo(asset);
		expect((await get(url, 'HEAD')).status).toBe(202);
		expect(await jobsOf(asset)).toHaveLength(0);
		await get(url);
		expect(await get(url, 'HEAD')).toMatchObject({ status: 302, location: expect.stringContaining('/files/jobs/mine/') });
	});

	it('answer the error of their job, and are tried anew after a while, not on each request', async () => {
		const asset = await newAsset();
		const url = await linkTo(asset);
		ffmpeg.fails = new PipelineError('input_corrupt', 'The video ends in the middle.');
		for (let request = 0; request < 3; request += 1) {
			const { status, body, headers } = await get(url);
			expect([status, body.error]).toEqual([422, { code: 'input_corrupt', message: 'The video ends in the middle.' }]);
			expect(Number(headers.get('retry-after'))).toBeGreaterThan(200);
			expect(headers.get('cache-control')).toBe('no-store');
		}
		expect((await get(url, 'HEAD')).status).toBe(422);
		expect(ffmpeg.runs).toBe(1);
		ffmpeg.fails = null;
		const [failed] = await jobsOf(asset);
		await pipeline.deps.db.update(jobs).set({ completedAt: new Date(Date.now() - 301_000) }).where(eq(jobs.id, failed!.id));
		expect((await get(url, 'HEAD')).status).toBe(202);
		expect((await get(url)).status).toBe(302);
		expect(ffmpeg.runs).toBe(2);
	});

	it('are made anew when their file is gone', async () => {
		const asset = await newAsset();
		const url = await linkTo(asset);
		await get(url);
		const [file] = await pipeline.deps.db.select().from(files).where(eq(files.assetId, asset));
		await pipeline.deps.storage.delete(file!.storageKey);
		expect((await get(url, 'HEAD')).status).toBe(202);
		expect(await (await fetch(url)).text()).toBe('content of rung-360.mp4');
		expect(ffmpeg.runs).toBe(2);
	});

	it('lead to the file that is named, and to a manifest in such a way that its segments are found', async () => {
		const asset = await newAsset();
		expect((await get(await linkTo(asset, { file: 'poster.jpg' }))).location).toMatch(/\/files\/.*\/poster\.jpg\?/);
		expect((await get(await linkTo(asset, { params: { manifest: true } }))).location).toMatch(/\/packages\/\d+\.[\w-]+\/.*\/hls\/master\.m3u8$/);
		const { status, body } = await get(await linkTo(asset, { file: 'nothing.mp4' }));
		expect([status, body.error.message]).toEqual([404, expect.stringContaining('It has: rung-360.mp4, poster.jpg')]);
	});

	it('may be asked for by scripts of any page', async () => {
		const url = await linkTo(await newAsset());
		expect((await get(url)).headers.get('access-control-allow-origin')).toBe('*');
	});

	describe('have links that', () => {
		it('last a week unless asked otherwise', async () => {
			const { body } = await ask(await newAsset(), { operation: 'rung' });
			expect(Math.abs(Date.parse(body.expires_at) - Date.now() - 7 * 86_400_000)).toBeLessThan(60_000);
		});

		it.each<[string, Record<string, unknown>, number, RegExp]>([
			['an operation that is unknown', { operation: 'nope' }, 400, /operation: there is no operation "nope"/],
			['an operation that makes no media', { operation: 'noop' }, 400, /operation: noop cannot be made on request/],
			['a wrong parameter', { operation: 'rung', params: { height: 'x' } }, 400, /params\.height/],
			['a field too much', { operation: 'rung', colour: 'red' }, 400, /colour/],
		])('are refused for %s', async (_what, body, status, message) => {
			const answer = await ask(await newAsset(), body);
			expect([answer.status, answer.body.error.message]).toEqual([status, expect.stringMatching(message)]);
		});

		it('are refused for media of others, and without a key', async () => {
			expect((await ask(await newAsset(), { operation: 'rung' }, 'key-theirs-0123456789')).status).toBe(404);
			expect((await ask(await newAsset(), { operation: 'rung' }, 'wrong')).status).toBe(401);
		});

		it('permit exactly what they were made for, and start nothing else', async () => {
			const [asset, other] = [await newAsset(), await newAsset()];
			const url = await linkTo(asset, { params: { height: 240 } });
			const params = (given: unknown) => Buffer.from(JSON.stringify([given])).toString('base64url');
			const forged = [
				url.replace(asset, other),
				url.replace('/rung/', '/noop/'),
				url.replace(params({ height: 240 }), params({ height: 2160 })),
				url.replace(/\/renditions\/\d+/, '/renditions/99999999999'),
			];
			for (const link of forged) expect([link === url, (await get(link)).status]).toEqual([false, 403]);
			expect((await get(url.replace(/\/renditions\/[^/]+\//, '/renditions/'))).status).toBe(401);
			expect([...(await jobsOf(asset)), ...(await jobsOf(other))]).toHaveLength(0);
		});
	});
});
