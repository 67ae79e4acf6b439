import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { insertAssets } from '../../../../sidecar/src/db/assets.ts';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { addFeedback } from '../../../../sidecar/src/db/feedback.ts';
import { listTags, mergeTags } from '../../../../sidecar/src/db/tags.ts';
import { createWorkspace } from '../../../../sidecar/src/db/workspaces.ts';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import { createAnalyze } from '../../../../sidecar/src/operations/ai/analyze.ts';
import { boosted, boxOf, distance, mergeLabels, mergeObjects, mergeTexts, MOST_LINES } from '../../../../sidecar/src/operations/ai/analyze-merge.ts';
import { editFixture } from '../../../fixtures/edit.ts';
import { fixture } from '../../../fixtures/media.ts';
import { testTask, type TestTask } from '../../../support/task-context.ts';
import { colourVision, type ColourVision } from '../../../support/vision.ts';
import { openTestDatabase } from '../../../support/pglite.ts';

const size = { width: 100, height: 50 };
const block = (text: string, score = 0.9) => ({ text, score, box: { x: 0, y: 0, width: 1, height: 1 } });
const seen = <T>(atSeconds: number | null, ...found: T[]) => ({ atSeconds, size, found });

describe('findings of several frames', () => {
	it('become one label with its best score and its times', () => {
		const frames = [seen(1, { label: 'Dog', score: 0.5 }, { label: 'sofa', score: 0.45 }), seen(2, { label: 'dog', score: 0.9 }, { label: 'cat', score: 0.1 })];
		expect(mergeLabels(frames, 0.4)).toEqual([
			{ label: 'dog', score: 0.9, times: [1, 2] },
			{ label: 'sofa', score: 0.45, times: [1] },
		]);
	});

	it('heed what people said of a label before', () => {
		const frames = [seen(null, { label: 'cat', score: 0.45 }, { label: 'dog', score: 0.3 })];
		expect(mergeLabels(frames, 0.4, new Map([['cat', -1], ['dog', 2]]))).toEqual([{ label: 'dog', score: expect.closeTo(0.552, 3), times: [] }]);
		for (const score of [0, 0.01, 0.5, 1]) for (const boost of [-100, -1, 0, 1, 100]) expect(boosted(score, boost) >= 0 && boosted(score, boost) <= 1).toBe(true);
		expect(boosted(0.5, 0)).toBe(0.5);
	});

	it('count objects at their most, with places as shares and in pixels of the asset', () => {
		const box = (x: number) => ({ label: 'duck', score: 0.8, box: { x, y: 10, width: 20, height: 10 } });
		const shown = { width: 1920, height: 960 };
		const [duck] = mergeObjects([seen(0.5, box(0)), seen(1.5, box(0), box(90), { ...box(5), score: 0.1 })], shown, 0.4);
		expect(duck).toMatchObject({ label: 'duck', count: 2, score: 0.8 });
		expect(duck?.moments[1]?.boxes).toEqual([
			{ x: 0, y: 0.2, width: 0.2, height: 0.2, pixels: { x: 0, y: 192, width: 384, height: 192 }, score: 0.8 },
			// Cut at the edge.
			{ x: 0.9, y: 0.2, width: 0.1, height: 0.2, pixels: { x: 1728, y: 192, width: 192, height: 192 }, score: 0.8 },
		]);
		expect(boxOf({ box: { x: -5, y: -5, width: 500, height: 500 }, score: 1 }, size, shown)).toMatchObject({ x: 0, y: 0, width: 1, height: 1, pixels: { width: 1920, height: 960 } });
	});

	it('read each line once, as it was read best, whatever its script', () => {
		const frames = [
			seen(1, block('Welc0me to the show', 0.7), block('Step 1'), block('مرحبا\u200f بكم')),
			seen(2, block('Welcome to the show', 0.95), block('Step 2'), block('日本語の字幕')),
			seen(3, block('WELCOME TO THE SHOW', 0.6), block('日本語の字幕'), block('hidden\u0000\u0007 bell'), block('?!…'), block('faint', 0.1)),
		];
		expect(mergeTexts(frames, 0.4)).toEqual([
			{ text: 'Welcome to the show', score: 0.95, times: [1, 2, 3] },
			{ text: 'Step 1', score: 0.9, times: [1] },
			{ text: 'مرحبا\u200f بكم', score: 0.9, times: [1] },
			{ text: 'Step 2', score: 0.9, times: [2] },
			{ text: '日本語の字幕', score: 0.9, times: [2, 3] },
			{ text: 'hidden bell', score: 0.9, times: [3] },
		]);
	});

	it('are told up to ten pages of text, however much a film shows', () => {
		const frames = Array.from({ length: 20 }, (_, frame) => seen(frame, ...Array.from({ length: 100 }, (__, line) => block(`${frame * 100 + line} bottles`))));
		const texts = mergeTexts(frames, 0.4);
		expect(texts).toHaveLength(MOST_LINES);
		expect(texts.at(-1)?.text).toBe('399 bottles');
		expect(mergeTexts([seen(1, block('x'.repeat(100_000)))], 0.4)[0]?.text).toHaveLength(500);
	});

	it('measures how far two lines are apart, and gives up early', () => {
		expect(distance('kitten in a hat', 'sitting on a mat', 2)).toBeGreaterThan(2);
		expect(distance('kitten', 'sitting', 3)).toBe(3);
		expect([distance('', ''), distance('abc', ''), distance('kitten', 'sitting'), distance('👍a', '👍b')]).toEqual([0, 3, 3, 1]);
	});
});

describe('analyze', () => {
	let database: OpenDatabase;
	let vision: ColourVision;
	let task: TestTask | undefined;
	let assetId: string;
	beforeAll(async () => {
		database = await openTestDatabase();
		await createWorkspace(database.db, 'acme', 'key');
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		vision = colourVision();
		assetId = randomUUID();
		await insertAssets(database.db, [{ id: assetId, workspaceId: 'acme', source: 'url', status: 'ready' }]);
	});
	afterEach(async () => {
		await task?.end();
		task = undefined;
	});
	const operation = (facesAllowed = false) => createAnalyze({ ai: vision.ai, engine: { runPlan }, db: database.db, facesAllowed });
	const analyze = async (path: string, given: Record<string, unknown> = {}, facesAllowed = false) => {
		await task?.end();
		task = await testTask(path);
		const { run, params } = operation(facesAllowed);
		return run({ ...task.context, assetId, workspaceId: 'acme' }, params.parse(given));
	};
	const tags = async () => (await listTags(database.db, assetId)).map(({ tag, source }) => `${tag} ${source}`);

	it('tells labels, objects, text and a draft of the alt text, and tags the asset', async () => {
		vision.lines = [[{ text: 'SALE', score: 0.9 }], [{ text: 'Sale', score: 0.8 }]];
		const { output, files, cost } = await analyze(editFixture('green'));
		expect(output).toMatchObject({
			labels: [{ label: 'green', score: 0.8, times: [expect.any(Number), expect.any(Number)] }, { label: 'colour', score: 0.45 }],
			objects: [{ label: 'tree', count: 1, moments: [{ boxes: [{ x: 0.25, y: 0.5, width: 0.5, height: 0.5, pixels: { x: 45, y: 160, width: 90, height: 160 } }] }, expect.anything()] }],
			text: [{ text: 'SALE', times: [expect.any(Number), expect.any(Number)] }],
			alt_text: 'A colour.',
			tags: ['tree', 'green', 'colour'],
			providers: { labels: { provider: 'local', model: 'colours' }, alt_text: { model: 'colours' } },
			notes: ['Only colours are seen.'],
		});
		expect(output).not.toHaveProperty('faces');
		expect(vision.shown).toEqual({ label: 2, detect: 2, read_text: 2, describe: 1 });
		expect(await tags()).toEqual(['tree analysis', 'green analysis', 'colour analysis']);
		expect(JSON.parse(await readFile(files?.[0]?.path ?? '', 'utf8'))).toEqual(JSON.parse(JSON.stringify(output)));
		expect(cost).toMatchObject({ ai_images: 7, cpu_seconds: expect.any(Number) });
	});

	it('says that lines are missing only where some are', async () => {
		const note = `text: only the first ${MOST_LINES} lines are told.`;
		for (const [count, notes] of [[MOST_LINES, ['Only colours are seen.']], [MOST_LINES + 1, [note, 'Only colours are seen.']]] as const) {
			vision.lines = [Array.from({ length: count }, (_, line) => ({ text: `${line} bottles`, score: 0.9 }))];
			const { output } = await analyze(fixture('jpeg'), { what: ['text'] });
			expect([(output['text'] as unknown[]).length, output['notes']]).toEqual([MOST_LINES, notes]);
		}
	});

	it('replaces its own tags when it runs again, and leaves those of people', async () => {
		await mergeTags(database.db, { id: assetId, workspaceId: 'acme' }, [{ tag: 'spring campaign', source: 'person' }]);
		await analyze(editFixture('green'), { what: ['labels'] });
		await analyze(fixture('jpeg'), { what: ['text'] });
		expect(await tags()).toEqual(['spring campaign person', 'green analysis', 'colour analysis']);
		await analyze(editFixture('red'), { what: ['labels'] });
		expect(await tags()).toEqual(['spring campaign person', 'red analysis', 'colour analysis']);
	});

	it('learns from corrections of this workspace', async () => {
		await addFeedback(database.db, { id: randomUUID(), workspaceId: 'acme', assetId, correction: { kind: 'label', label: 'colour', action: 'remove' } });
		expect((await analyze(editFixture('green'), { what: ['labels'] })).output).toMatchObject({ labels: [{ label: 'green' }] });
		expect(await tags()).toEqual(['green analysis']);
	});

	it('does not bring back a tag that somebody took away from this asset', async () => {
		await addFeedback(database.db, { id: randomUUID(), workspaceId: 'acme', assetId, correction: { kind: 'label', label: 'Green', action: 'remove' } });
		const { output } = await analyze(editFixture('green'), { what: ['labels'], min_score: 0.05 });
		expect(output).toMatchObject({ labels: expect.arrayContaining([expect.objectContaining({ label: 'green' })]) });
		// However it was written.
		await addFeedback(database.db, { id: randomUUID(), workspaceId: 'acme', assetId, correction: { kind: 'label', label: '#Blur', action: 'remove' } });
		expect((await analyze(editFixture('green'), { what: ['labels'], min_score: 0.05 })).output['tags']).not.toContain('blur');
		expect(output['tags']).toContain('blur');
		expect(output['tags']).not.toContain('green');
		expect(await tags()).not.toContain('green analysis');
	});

	it('looks for faces only where that is allowed, and says which setting it is', async () => {
		await expect(analyze(editFixture('green'), { what: ['labels', 'faces'] })).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('ALLOW_FACES'), details: { setting: 'ALLOW_FACES' } });
		expect(vision.shown).toEqual({});
		const { output } = await analyze(editFixture('green'), { what: ['faces'] }, true);
		expect(output).toMatchObject({ faces: { count: 1, moments: [{ boxes: [{ x: 0, y: 0, width: 0.1, pixels: { x: 0, width: 18 } }] }, expect.anything()] } });
		expect(output).not.toHaveProperty('labels');
		expect(await tags()).toEqual([]);
	});

	it('leaves out what nobody can do, and fails only where that is all', async () => {
		vision.obstacles.read_text = 'Run "npm run engines".';
		vision.obstacles.describe = 'No key.';
		const { output } = await analyze(editFixture('green'), { what: ['objects', 'text'] });
		expect(output).toMatchObject({ objects: [{ label: 'tree' }], alt_text: 'Shows: tree.', notes: ['Left out: text: Run "npm run engines".', 'Only colours are seen.'] });
		expect(output).not.toHaveProperty('text');
		await expect(analyze(editFixture('green'), { what: ['text'] })).rejects.toMatchObject({ code: 'provider_not_configured', message: 'text: Run "npm run engines".' });
	});

	it('takes pictures, and refuses nothing but what its schema refuses', async () => {
		const { output } = await analyze(fixture('jpegRotated'), { what: ['objects', 'labels', 'labels'] });
		expect(output).toMatchObject({ frames: [null] });
		expect(vision.shown['label']).toBe(1);
		const { params } = operation();
		for (const given of [{ what: [] }, { what: ['age'] }, { frames: 65 }, { min_score: 2 }, { other: 1 }]) expect(params.safeParse(given).success).toBe(false);
	});
});
