import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import type { SafetyScores } from '../../../../sidecar/src/ai/vision.ts';
import type { Found } from '../../../../sidecar/src/operations/ai/safety-findings.ts';
import { createSafetyScan, judge } from '../../../../sidecar/src/operations/ai/safety-scan.ts';
import { editFixture } from '../../../fixtures/edit.ts';
import { image } from '../../../fixtures/images.ts';
import { hiddenFixture } from '../../../fixtures/hidden.ts';
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
	/** What an earlier scan has found. */
	let before: Found[];
	beforeEach(() => {
		before = [];
		vision = colourVision();
	});
	afterEach(async () => {
		await task?.end();
		task = undefined;
	});
	const operation = () => createSafetyScan({ moderator: vision.ai.moderate, engine: { runPlan }, foundBefore: async () => before });
	const scan = async (path: string, given: Record<string, unknown> = {}) => {
		task = await testTask(path);
		return operation().run(task.context, operation().params.parse(given));
	};

	it('passes what is safe, and tells of bare skin without stopping for it', async () => {
		const { output, cost } = await scan(editFixture('green'), { frames: 4 });
		expect(output).toMatchObject({ safe: true, scores: { sexual: 0, suggestive: 0.97 }, findings: [], provider: 'local', model: 'colours' });
		expect(output['frames']).toHaveLength(2);
		expect(output['notes']).toEqual(['Only colours are seen.', 'local (colours) does not look for: violence, self_harm.']);
		expect(output['not_looked_for']).toEqual(['violence', 'self_harm']);
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

	it('finds what is held for long, in a late frame of a PNG, and on the cover of a sound', async () => {
		for (const name of ['heldBetween', 'heldToTheEnd', 'apng', 'covers'] as const) {
			await expect(scan(hiddenFixture(name), { frames: 4 }).catch((error: unknown) => Promise.reject(Object.assign(error as Error, { name })))).rejects.toMatchObject({ name, code: 'content_unsafe' });
			await task?.end();
		}
		expect((await scan(fixture('audio'))).output).toMatchObject({ safe: true, frames: [{ at_seconds: null }] });
	});

	it('lets sounds without a cover pass without asking anybody', async () => {
		vision.obstacles.moderate = 'Nobody.';
		expect((await scan(hiddenFixture('sound'))).output).toMatchObject({ safe: true, frames: [], not_looked_for: [] });
		expect(vision.shown).toEqual({});
	});

	it('looks again at what was found before, and says what it can say nothing of', async () => {
		before = [{ category: 'violence', moments: [0.4, 0.8] }];
		const { output } = await scan(editFixture('green'), { frames: 1 });
		expect((output['frames'] as Array<{ at_seconds: number }>).map(({ at_seconds: at }) => at)).toEqual([0.4, 0.5, 0.8]);
		expect(output['notes']).toContain('An earlier scan has stopped this asset for violence, and this one says nothing of that: it stays stopped.');
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

	it.each([
		['nothing', (): SafetyScores => ({})],
		['no number', (): SafetyScores => ({ sexual: Number.NaN, suggestive: 0 })],
		['of one frame less than of another', (index: number): SafetyScores => (index === 0 ? { sexual: 0, violence: 0 } : { sexual: 0 })],
	])('does not call safe what a provider says %s of', async (_what, say) => {
		const { moderate } = vision.ai;
		vision.ai.moderate = { ...moderate, moderate: async (pictures, options) => ({ ...(await moderate.moderate(pictures, options)), scores: pictures.map((_picture, index) => say(index)) }) };
		await expect(scan(editFixture('green'), { frames: 4 })).rejects.toMatchObject({ code: 'processing_failed', message: expect.stringMatching(/no scores for some/) });
	});


	it.each([{ thresholds: { sexual: 2 } }, { thresholds: { nudity: 0.5 } }, { frames: 0 }, { action: 'delete' }])('refuses %j', (given) => {
		expect(operation().params.safeParse(given).success).toBe(false);
	});

	it('makes others wait only where it may stop them', () => {
		const { guards, params } = operation();
		expect([guards?.(params.parse({})), guards?.(params.parse({ action: 'report' }))]).toEqual([true, false]);
	});
});
