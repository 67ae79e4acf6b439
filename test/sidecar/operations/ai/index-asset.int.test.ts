import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { enginesFolder } from '../../../../scripts/lib/engines-install.mjs';
import { createEngines } from '../../../../sidecar/src/ai/local/engines.ts';
import { createLocalVision } from '../../../../sidecar/src/ai/local/vision.ts';
import { absent } from '../../../../sidecar/src/ai/routing/absent.ts';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { addFeedback, type Correction } from '../../../../sidecar/src/db/feedback.ts';
import { assets, feedback, searchEntries, searchVectors } from '../../../../sidecar/src/db/schema.ts';
import { mergeTags } from '../../../../sidecar/src/db/tags.ts';
import { createWorkspace } from '../../../../sidecar/src/db/workspaces.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import { createIndexAsset, type IndexAssetDeps } from '../../../../sidecar/src/operations/ai/index-asset.ts';
import { fixture, SPEECH_TEXT } from '../../../fixtures/media.ts';
import { testTask } from '../../../support/task-context.ts';
import { openTestDatabase } from '../../../support/pglite.ts';

const ASSET = { id: '00000000-0000-4000-8000-000000000002', workspaceId: 'default' };
const spoken = (language: string, ...texts: string[]) => ({ transcribe: { language, segments: texts.map((text, index) => ({ start: index * 20, end: index * 20 + 18, text })) } });

describe('index_asset', () => {
	let database: OpenDatabase;
	let local: IndexAssetDeps['ai'];
	beforeAll(async () => {
		database = await openTestDatabase();
		await createWorkspace(database.db, 'default', 'key-of-default-0123456789');
		local = { ...absent('Nobody describes in this test.'), ...createLocalVision(createEngines(await enginesFolder())) };
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		await database.db.delete(assets);
		await database.db.insert(assets).values({ ...ASSET, source: 'upload', status: 'ready', fileType: 'video', metadata: { file_name: 'IMG_2031-green_tea.final.mp4', title: 'How to make tea', secret_link: 'https://example.com/private' } });
	});

	const run = async (path: string, given: Record<string, unknown>, earlier: Record<string, Record<string, unknown>> = {}, ai: Partial<IndexAssetDeps['ai']> = {}, signal?: AbortSignal) => {
		const task = await testTask(path, { earlier, ...(signal ? { signal } : {}) });
		try {
			const operation = createIndexAsset({ ai: { ...local, ...ai }, engine: { runPlan }, db: database.db, tellLanguage: async () => 'en' });
			return (await operation.run(task.context, operation.params.parse(given))).output;
		} finally {
			await task.end();
		}
	};
	const entries = () => database.db.select().from(searchEntries).where(eq(searchEntries.assetId, ASSET.id)).orderBy(searchEntries.kind, searchEntries.startSeconds);
	const vectors = () => database.db.select({ space: searchVectors.space }).from(searchVectors);

	it('makes what is said, seen and written about it findable, each with its moment', async () => {
		await mergeTags(database.db, ASSET, [{ tag: 'kitchen', source: 'person' }]);
		const output = await run(fixture('speech'), { frames: 2 }, spoken('en', SPEECH_TEXT));
		expect(output).toMatchObject({ entries: { passages: 1, frames: 2, metadata: 1 }, language: 'en', image_vectors: 2, spaces: expect.arrayContaining([expect.stringContaining('use-lite'), expect.stringContaining('centernet')]) });
		const made = await entries();
		expect(made.map(({ kind }) => kind)).toEqual(['frame', 'frame', 'metadata', 'transcript']);
		const [first, second, about, said] = made;
		expect(first?.endSeconds).toBe(second?.startSeconds);
		expect(about).toMatchObject({ startSeconds: null, language: 'en' });
		expect(about?.text).toBe('How to make tea. kitchen. IMG 2031 green tea final.');
		expect(said).toMatchObject({ text: SPEECH_TEXT, startSeconds: 0 });
		expect((await vectors()).filter(({ space }) => space.includes('centernet'))).toHaveLength(2);
	});

	it('replaces what was there when it runs again', async () => {
		await run(fixture('wav'), {}, spoken('en', 'the first words.', 'more.'));
		await run(fixture('wav'), {}, spoken('en', 'other words.'));
		expect((await entries()).filter(({ kind }) => kind === 'transcript').map(({ text }) => text)).toEqual(['other words.']);
		expect(await vectors()).toHaveLength(2);
	});

	it('keeps what people put right when it runs again, also while it runs', async () => {
		const said = (correction: Correction) => addFeedback(database.db, { id: randomUUID(), workspaceId: 'default', assetId: ASSET.id, correction });
		await said({ kind: 'word', wrong: 'Cooper Netties', right: 'Kubernetes' });
		const late = {
			...local.embed,
			embed: async (texts: readonly string[], options: { signal: AbortSignal }) => {
				await said({ kind: 'word', wrong: 'hum', right: 'home' });
				await mergeTags(database.db, ASSET, [{ tag: 'late', source: 'person' }]);
				return local.embed.embed(texts, options);
			},
		};
		await run(fixture('wav'), {}, spoken('en', 'We run cooper netties at hum.'), { embed: late });
		expect((await entries()).map(({ text }) => text)).toEqual(['How to make tea. late. IMG 2031 green tea final.', 'We run Kubernetes at home.']);
	});

	it('leaves out of the frames what people say is not there', async () => {
		await database.db.delete(feedback);
		const seeing = { ...local.label, obstacle: () => null, label: async (pictures: readonly unknown[]) => ({ labels: pictures.map(() => [{ label: 'parking meter', score: 0.9 }, { label: 'teapot', score: 0.8 }]), usage: {}, provider: 'local' as const, model: 'm' }) };
		const nobody = absent('Not in this test.');
		await addFeedback(database.db, { id: randomUUID(), workspaceId: 'default', assetId: ASSET.id, correction: { kind: 'label', label: '#Parking  Meter', action: 'remove' } });
		await run(fixture('speech'), { frames: 1 }, {}, { ...nobody, label: seeing });
		expect((await entries()).filter(({ kind }) => kind === 'frame').map(({ text }) => text)).toEqual(['teapot.']);
	});

	it('leaves out of the frames what people take away while it runs, and says what it could not do for their sake', async () => {
		await database.db.delete(feedback);
		const seeing = { ...local.label, obstacle: () => null, label: async (pictures: readonly unknown[]) => ({ labels: pictures.map(() => [{ label: 'parking meter', score: 0.9 }, { label: 'teapot', score: 0.8 }]), usage: {}, provider: 'local' as const, model: 'm' }) };
		let calls = 0;
		const late = {
			...local.embed,
			embed: async (texts: readonly string[], options: { signal: AbortSignal }) => {
				if (++calls > 1) throw new PipelineError('provider_rate_limited', 'Too many.');
				await addFeedback(database.db, { id: randomUUID(), workspaceId: 'default', assetId: ASSET.id, correction: { kind: 'label', label: 'Parking Meter', action: 'remove' } });
				await mergeTags(database.db, ASSET, [{ tag: 'late', source: 'person' }]);
				return local.embed.embed(texts, options);
			},
		};
		const output = await run(fixture('speech'), { frames: 1 }, {}, { ...absent('Not in this test.'), label: seeing, embed: late });
		expect((await entries()).map(({ kind, text }) => [kind, text])).toEqual([['frame', 'teapot.'], ['metadata', 'How to make tea. late. IMG 2031 green tea final.']]);
		expect(output['notes']).toContainEqual(expect.stringMatching(/words only.*Too many/));
	});

	it('that is cancelled while it catches up is no success', async () => {
		const stop = new AbortController();
		const reason = new Error('cancelled');
		let calls = 0;
		const late = {
			...local.embed,
			embed: async (texts: readonly string[], options: { signal: AbortSignal }) => {
				await mergeTags(database.db, ASSET, [{ tag: 'late', source: 'person' }]);
				if (++calls > 1) stop.abort(reason);
				options.signal.throwIfAborted();
				return local.embed.embed(texts, options);
			},
		};
		await expect(run(fixture('wav'), {}, spoken('en', 'words.'), { embed: late }, stop.signal)).rejects.toBe(reason);
	});

	it('has words only, and says so, in a language that the local model does not know', async () => {
		const output = await run(fixture('wav'), {}, spoken('de', 'Guten Tag zusammen.'));
		expect(output).toMatchObject({ language: 'de', text_vectors: 1, notes: [expect.stringMatching(/by words only, not by meaning: .*English only/)] });
		expect((await entries()).map(({ language }) => language).sort()).toEqual(['de', 'en']);
	});

	it('works with nothing but ffmpeg, and says what is missing', async () => {
		const output = await run(fixture('speech'), { frames: 1 }, {}, absent('Install the engines.'));
		expect(output).toMatchObject({ entries: { passages: 0, frames: 0, metadata: 1 }, text_vectors: 0, image_vectors: 0, spaces: [] });
		expect((output['notes'] as string[]).join(' ')).toMatch(/no transcript yet[\s\S]*Install the engines/);
	});

	it('is tried again when a limit was met, and keeps what was there until then', async () => {
		await run(fixture('wav'), {}, spoken('en', 'before.'));
		const limited = { ...local.embed, embed: () => Promise.reject(new PipelineError('provider_rate_limited', 'Too many.')) };
		await expect(run(fixture('wav'), {}, spoken('en', 'after.'), { embed: limited })).rejects.toMatchObject({ code: 'provider_rate_limited' });
		expect((await entries()).map(({ text }) => text)).toContain('before.');
	});
});
