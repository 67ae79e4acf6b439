import { randomUUID } from 'node:crypto';
import type { TextEmbedder } from '../../../../sidecar/src/ai/embedder.ts';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { addFeedback, labelBoosts, labelsTakenAway, type Correction } from '../../../../sidecar/src/db/feedback.ts';
import { assets, feedback, jobs, searchEntries } from '../../../../sidecar/src/db/schema.ts';
import { replaceEntries, type NewEntry } from '../../../../sidecar/src/db/search.ts';
import { createWorkspace } from '../../../../sidecar/src/db/workspaces.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { createGiveFeedback, type GivenFeedback } from '../../../../sidecar/src/operations/ai/give-feedback.ts';
import { openTestDatabase } from '../../../support/pglite.ts';

const entry = (kind: NewEntry['kind'], text: string, language: string | null = 'en'): NewEntry => ({ kind, startSeconds: 0, endSeconds: 5, text, language, vectors: [] });

const deferred = (): { promise: Promise<void>; resolve: () => void } => {
	let resolve = (): void => {};
	const promise = new Promise<void>((done) => (resolve = done));
	return { promise, resolve: () => resolve() };
};

describe('feedback', () => {
	let database: OpenDatabase;
	let asset: { id: string; workspaceId: string };
	beforeAll(async () => {
		database = await openTestDatabase();
		for (const id of ['mine', 'theirs']) await createWorkspace(database.db, id, `key-of-${id}-0123456789`);
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		await database.db.delete(feedback);
		asset = { id: randomUUID(), workspaceId: 'mine' };
		await database.db.insert(assets).values({ ...asset, source: 'upload', status: 'ready', fileType: 'video', metadata: { title: 'A street' } });
	});

	const embedder: TextEmbedder = {
		name: 'local',
		model: 'm',
		space: 'test:m:2',
		dimensions: 2,
		obstacle: () => null,
		embed: async (texts) => ({ vectors: texts.map(() => [1, 0]), usage: { ai_seconds: 1 }, provider: 'local', model: 'm' }),
	};
	const give = (correction: Correction, change: Partial<TextEmbedder> = {}, id = randomUUID()): Promise<GivenFeedback> =>
		createGiveFeedback({ db: database.db, embedder: { ...embedder, ...change }, tellLanguage: async () => 'en' })({ id, workspaceId: 'mine', assetId: asset.id, correction }, new AbortController().signal);
	const texts = async (): Promise<string[]> => (await database.db.select({ text: searchEntries.text }).from(searchEntries)).map(({ text }) => text).sort();
	const index = async (...entries: NewEntry[]): Promise<void> => {
		await database.db.delete(searchEntries);
		await replaceEntries(database.db, asset, entries);
	};

	it('on a label holds for it in every way of writing it', async () => {
		await give({ kind: 'label', label: '  #Parking  Meter', action: 'remove' });
		expect(await labelsTakenAway(database.db, 'mine', asset.id)).toEqual(new Set(['parking meter']));
		await give({ kind: 'label', label: 'PARKING METER', action: 'add' });
		expect(await labelsTakenAway(database.db, 'mine', asset.id)).toEqual(new Set());
		expect(await labelBoosts(database.db, 'mine')).toEqual(new Map([['parking meter', 1]]));
	});

	it('on a label without letters is refused', async () => {
		await expect(give({ kind: 'label', label: ' # ', action: 'add' })).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('label: ') });
	});

	it('takes a label out of what is seen in the frames, too', async () => {
		await index(entry('frame', 'cat, parking meter. EXIT.'), entry('metadata', 'A street. parking meter.'));
		await give({ kind: 'label', label: 'Parking Meter', action: 'remove' });
		expect(await texts()).toEqual(['A street.', 'cat. EXIT.']);
	});

	it('is done, and the asset found by its words, when the model for the search cannot be asked', async () => {
		await index(entry('metadata', 'A street.'));
		const { applied, tags } = await give({ kind: 'label', label: 'night', action: 'add' }, { embed: () => Promise.reject(new PipelineError('provider_rate_limited', 'Too many requests.')) });
		expect(tags).toEqual(['night']);
		expect(applied).toEqual(['The asset has the tag "night".', expect.stringMatching(/words only.*Too many requests/)]);
		expect(await texts()).toEqual(['A street. night.']);
	});

	it('by two at the same time is found in the end, both of it', async () => {
		await index(entry('metadata', 'A street.'));
		const [asked, other] = [deferred(), deferred()];
		const slow: TextEmbedder['embed'] = async (given, options) => {
			asked.resolve();
			await other.promise;
			return embedder.embed(given, options);
		};
		const first = give({ kind: 'label', label: 'night', action: 'add' }, { embed: slow });
		// It has read the tags, and waits for its model.
		await asked.promise;
		await give({ kind: 'label', label: 'rain', action: 'add' });
		other.resolve();
		await first;
		expect(await texts()).toEqual(['A street. night, rain.']);
	});

	it('puts words right in writing without blanks, too', async () => {
		await index(entry('transcript', '昨日東京タワへ行きました', 'ja'));
		const { applied } = await give({ kind: 'word', wrong: '東京タワ', right: '東京タワー' });
		expect(await texts()).toEqual(['昨日東京タワーへ行きました']);
		expect(applied[0]).toMatch(/1 passages/);
	});

	it('for one language leaves passages in others alone', async () => {
		await index(entry('transcript', 'Der Rat gift', 'de'), entry('transcript', 'a gift', 'en'), entry('transcript', 'gift?', null));
		await give({ kind: 'word', wrong: 'gift', right: 'Gift', language: 'de' });
		expect(await texts()).toEqual(['Der Rat Gift', 'Gift?', 'a gift']);
	});

	it('that takes a correction back says so', async () => {
		expect((await give({ kind: 'word', wrong: 'tea', right: 'tea' })).applied).toEqual([expect.stringMatching(/no longer hold/)]);
	});

	it('is not taken for another one that had the same id', async () => {
		const id = randomUUID();
		await give({ kind: 'word', wrong: 'a', right: 'b', language: undefined }, {}, id);
		expect((await give({ kind: 'word', wrong: 'a', right: 'b' }, {}, id)).applied).toEqual([expect.stringMatching(/given before/)]);
		await expect(give({ kind: 'word', wrong: 'a', right: 'c' }, {}, id)).rejects.toMatchObject({ code: 'idempotency_conflict' });
	});

	it('on a label is the same as before, however that was stored', async () => {
		const id = randomUUID();
		// As labels were stored once.
		await addFeedback(database.db, { id, workspaceId: 'mine', assetId: asset.id, correction: { kind: 'label', label: '#Parking  Meter', action: 'remove' } });
		expect((await give({ kind: 'label', label: '#Parking  Meter', action: 'remove' }, {}, id)).applied).toEqual([expect.stringMatching(/given before/)]);
		for (const other of [{ kind: 'label', label: '#Parking  Meter', action: 'add' }, { kind: 'label', label: 'parking', action: 'remove' }] as const) {
			await expect(give(other, {}, id)).rejects.toMatchObject({ code: 'idempotency_conflict' });
		}
	});

	it('on a caption names a caption job of the workspace, or none', async () => {
		const job = async (workspaceId: string, jobType: string): Promise<string> => {
			const id = randomUUID();
			await database.db.insert(jobs).values({ id, workspaceId, jobType, status: 'completed', params: {} } as typeof jobs.$inferInsert);
			return id;
		};
		const choice = (jobId: string) => give({ kind: 'caption', platform: 'x', text: 'Hi', action: 'chosen', job_id: jobId });
		expect((await choice(await job('mine', 'caption'))).kind).toBe('caption');
		for (const other of [randomUUID(), await job('theirs', 'caption'), await job('mine', 'transcribe')]) await expect(choice(other)).rejects.toMatchObject({ code: 'not_found' });
	});
});
