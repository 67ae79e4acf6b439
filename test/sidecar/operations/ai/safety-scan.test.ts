import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import { createSafetyScan, judge } from '../../../../sidecar/src/operations/ai/safety-scan.ts';
import { editFixture } from '../../../fixtures/edit.ts';
import { image } from '../../../fixtures/images.ts';
import { fixture } from '../../../fixtures/media.ts';
import { testTask, type TestTask } from '../../../support/task-context.ts';
import { colourVision, type ColourVision } from '../../../support/vision.ts';

const none = { sexual: null, suggestive: null, violence: null, self_harm: null, hate: null };

describe('the verdict on scores', () => {
	it('names what is above its threshold, the worst first, with its moments', () => {
		const frames = [
			{ atSeconds: 1, scores: { sexual: 0.82, hate: 0.99, suggestive: 1 } },
			{ atSeconds: 2, scores: { sexual: 0.9 } },
			{ atSeconds: 3, scores: { sexual: 0.1 } },
		];
		expect(judge(frames, { ...none, sexual: 0.8, hate: 0.9 })).toEqual([
			{ category: 'hate', score: 0.99, threshold: 0.9, moments: [{ at_seconds: 1, score: 0.99 }] },
			{ category: 'sexual', score: 0.9, threshold: 0.8, moments: [{ at_seconds: 2, score: 0.9 }, { at_seconds: 1, score: 0.82 }] },
		]);
		expect(judge(frames, none)).toEqual([]);
	});

	it('counts a score that equals the threshold, and never one of zero', () => {
		expect(judge([{ atSeconds: null, scores: { violence: 0.8 } }], { ...none, violence: 0.8 })).toHaveLength(1);
		expect(judge([{ atSeconds: null, scores: { violence: 0 } }], { ...none, violence: 0 })).toEqual([]);
	});
});

describe('safety_scan', () => {
	let vision: ColourVision;
	let task: TestTask | undefined;
	beforeEach(() => {
		vision = colourVision();
	});
	afterEach(async () => {
		await task?.end();
		task = undefined;
	});
	const operation = () => createSafetyScan({ moderator: vision.ai.moderate, engine: { runPlan } });
	const scan = async (path: string, given: Record<string, unknown> = {}) => {
		task = await testTask(path);
		return operation().run(task.context, operation().params.parse(given));
	};

	it('passes what is safe, and tells of bare skin without stopping for it', async () => {
		const { output, cost } = await scan(editFixture('green'), { frames: 4 });
		expect(output).toMatchObject({ safe: true, scores: { sexual: 0, suggestive: 0.97 }, findings: [], provider: 'local', model: 'colours' });
		expect(output['frames']).toHaveLength(2);
		expect(output['notes']).toEqual(['Only colours are seen.', 'local (colours) does not look for: violence, self_harm, hate.']);
		expect(cost).toMatchObject({ ai_images: 2, cpu_seconds: expect.any(Number) });
	});

	it('fails where a moment is not, naming it', async () => {
		const failed = scan(editFixture('red'), { frames: 4 });
		await expect(failed).rejects.toMatchObject({
			code: 'content_unsafe',
			message: expect.stringMatching(/^The safety scan found sexual content at 0\.\d s: (0\.9\d|1\.00), allowed is less than 0\.8\.$/),
			details: { category: 'sexual', threshold: 0.8, score: expect.any(Number), moments: expect.arrayContaining([{ at_seconds: expect.any(Number), score: expect.any(Number) }]) },
		});
	});

	it('only tells where that is asked for, and heeds raised and lowered thresholds', async () => {
		expect((await scan(editFixture('red'), { action: 'report' })).output).toMatchObject({ safe: false, findings: [{ category: 'sexual' }] });
		expect((await scan(editFixture('red'), { thresholds: { sexual: null } })).output).toMatchObject({ safe: true, findings: [] });
		await expect(scan(editFixture('green'), { thresholds: { suggestive: 0.9 } })).rejects.toMatchObject({ code: 'content_unsafe', details: { category: 'suggestive' } });
	});

	it('finds it in one scene of a film, and in a late frame of an animation', async () => {
		expect((await scan(image('animatedWebp'), { action: 'report', thresholds: { sexual: 0.3 } })).output).toMatchObject({ findings: [{ moments: [{ at_seconds: 0.5 }] }] });
		expect(vision.shown['moderate']).toBe(5);
	});

	it('lets sounds pass without asking anybody', async () => {
		vision.obstacles.moderate = 'Nobody.';
		expect((await scan(fixture('audio'))).output).toMatchObject({ safe: true, frames: [] });
		expect(vision.shown).toEqual({});
	});

	it('says what is missing before any work', async () => {
		vision.obstacles.moderate = 'Run "npm run engines".';
		await expect(scan(editFixture('green'))).rejects.toMatchObject({ code: 'provider_not_configured', message: 'Run "npm run engines".' });
		expect(task?.steps).toEqual([]);
	});

	it('does not call safe what nobody has looked at', async () => {
		const { moderate } = vision.ai;
		vision.ai.moderate = { ...moderate, moderate: async (pictures, options) => ({ ...(await moderate.moderate(pictures, options)), scores: [] }) };
		await expect(scan(editFixture('green'))).rejects.toMatchObject({ code: 'processing_failed', message: expect.stringMatching(/0 of \d+ frames/) });
	});

	it.each([{ thresholds: { sexual: 2 } }, { thresholds: { nudity: 0.5 } }, { frames: 0 }, { action: 'delete' }])('refuses %j', (given) => {
		expect(operation().params.safeParse(given).success).toBe(false);
	});

	it('makes others wait only where it may stop them', () => {
		const { guards, params } = operation();
		expect([guards?.(params.parse({})), guards?.(params.parse({ action: 'report' }))]).toEqual([true, false]);
	});
});
