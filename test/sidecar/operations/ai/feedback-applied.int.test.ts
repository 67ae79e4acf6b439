import { randomUUID } from 'node:crypto';
import type { Ai } from '../../../../sidecar/src/ai/ai.ts';
import { absent } from '../../../../sidecar/src/ai/routing/absent.ts';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { addFeedback, type Correction } from '../../../../sidecar/src/db/feedback.ts';
import { createWorkspace } from '../../../../sidecar/src/db/workspaces.ts';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import { createGiveFeedback } from '../../../../sidecar/src/operations/ai/give-feedback.ts';
import { createAiOperations } from '../../../../sidecar/src/operations/ai/index.ts';
import { createLibrary } from '../../../../sidecar/src/operations/ai/library.ts';
import { fixture } from '../../../fixtures/media.ts';
import { testTask } from '../../../support/task-context.ts';
import { openTestDatabase } from '../../../support/pglite.ts';

/** What the sidecar hands to operations, with models that only note what they are asked. */
describe('corrections of a workspace', () => {
	let database: OpenDatabase;
	const asked: Record<string, string> = {};
	const who = { usage: {}, provider: 'local' as const, model: 'm' };
	const nobody = absent('Not in this test.');
	const ai: Ai = {
		...nobody,
		voiceActivity: { name: 'ffmpeg', obstacle: () => null, speech: async () => [] },
		transcribe: {
			...nobody.transcribe,
			obstacle: () => null,
			transcribe: async (_path, { prompt = '' }) => {
				asked['transcribe'] = prompt;
				return { ...who, text: 'We run cooper netties.', language: 'en', durationSeconds: 1, segments: [{ start: 0, end: 1, text: 'We run cooper netties.' }], words: null };
			},
		},
		translate: {
			...nobody.translate,
			obstacle: () => null,
			translate: async ({ texts, glossary = [] }) => {
				asked['translate'] = JSON.stringify(glossary);
				return { ...who, texts: [...texts] };
			},
		},
		write: {
			...nobody.write,
			obstacle: () => null,
			write: async ({ user, system }) => {
				asked['write'] = user;
				asked['rules'] = system;
				const json = { captions: [{ platform: 'x', variant: 1, text: 'Hello there', hashtags: [] }], title: 'T', description: 'D', tags: ['a', 'b', 'c', 'd', 'e'], alt_text: 'A' };
				return { ...who, json, text: JSON.stringify(json) };
			},
		},
	};

	beforeAll(async () => {
		database = await openTestDatabase();
		for (const id of ['default', 'theirs']) await createWorkspace(database.db, id, `key-of-${id}-0123456789`);
		const said = (workspaceId: string, correction: Correction) => addFeedback(database.db, { id: randomUUID(), workspaceId, assetId: null, correction });
		await said('default', { kind: 'word', wrong: 'Cooper Netties', right: 'Kubernetes' });
		await said('default', { kind: 'translation', from: 'pull request', to: 'Pull-Request', language: 'de' });
		await said('default', { kind: 'caption', platform: 'x', text: 'Ours, dry and short.', action: 'edited' });
		await said('default', { kind: 'caption', platform: 'mastodon', text: 'Ours, for elsewhere.', action: 'edited' });
		await said('theirs', { kind: 'word', wrong: 'run', right: 'THEIRS' });
		await said('theirs', { kind: 'translation', from: 'We', to: 'THEIRS', language: 'de' });
		await said('theirs', { kind: 'caption', platform: 'x', text: 'THEIRS', action: 'edited' });
	});
	afterAll(() => database.close());

	const run = async (name: string, given: Record<string, unknown>, earlier: Record<string, Record<string, unknown>> = {}) => {
		const finding = { db: database.db, embedder: nobody.embed, tellLanguage: async () => 'en' };
		const operations = createAiOperations({ ai, engine: { runPlan }, db: database.db, facesAllowed: false, library: createLibrary({ ...finding, fileUrl: (key) => key }), giveFeedback: createGiveFeedback(finding), tellLanguage: finding.tellLanguage });
		const operation = operations.find((one) => one.name === name);
		if (operation?.kind !== 'task') throw new Error(`no ${name}`);
		const task = await testTask(fixture('speech'), { earlier });
		try {
			return (await operation.run(task.context, operation.params.parse(given))).output;
		} finally {
			await task.end();
		}
	};

	it('are in the prompt of a transcription, and in its text', async () => {
		const output = await run('transcribe', {});
		expect(output).toMatchObject({ transcription: 'We run Kubernetes.', corrected_words: 1 });
		expect(asked['transcribe']).toBe('Kubernetes.');
	});

	it('are the glossary of a translation', async () => {
		await run('translate', { to: ['de'], subtitles: '1\n00:00:00,000 --> 00:00:02,000\nWe made a pull request.\n' });
		expect(asked['translate']).toContain('"to":"Pull-Request"');
		expect(asked['translate']).toContain('{"from":"Cooper Netties","to":"Kubernetes"}');
		expect(asked['translate']).not.toContain('THEIRS');
	});

	it('are examples for captions of that platform, as material between marks', async () => {
		await run('caption', { platforms: ['x'] });
		expect(asked['write']).toMatch(/<[0-9a-f]{16}-style>\n\[x\]\nOurs, dry and short\.\n<\/[0-9a-f]{16}-style>/);
		expect(asked['write']).not.toMatch(/THEIRS|elsewhere/);
		expect(asked['rules']).not.toContain('Ours');
	});
});
