import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowFile } from '../../scripts/lib/n8n-api.ts';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { ensureCredential } from '../../scripts/lib/seed-n8n.ts';
import { fixture } from '../fixtures/media.ts';
import { startChatServer, type ChatServer } from './harness/chat-server.ts';
import { WorkflowBuilder } from './harness/workflow.ts';
import { World } from './harness/world.ts';

const KEY = 'key-of-the-chat-model';

/** The lower half of search-your-library.json, asked by a webhook instead of the chat window. */
describe('an AI agent in a real n8n', () => {
	let world: World;
	let chat: ChatServer;
	beforeAll(async () => {
		world = await World.start({ 'speech.mp4': fixture('speech') });
		chat = await startChatServer(KEY, (results) =>
			results.length === 0 ? { tool: /Search/, arguments: { query: 'the stone bridge' } } : { text: `Found: ${results.at(-1) ?? ''}` },
		);
	});
	afterAll(async () => {
		chat?.close();
		await world?.close();
	});

	it('finds a moment of the library with the Media Caption node as its tool, and answers with it', async () => {
		world.openai.transcript = {
			text: 'The children wait for him at the old stone bridge.',
			language: 'english',
			segments: [{ start: 0, end: 3, text: 'The children wait for him at the old stone bridge.' }],
		};
		const add = new WorkflowBuilder('library').webhook().media('Ingest', 'mediaIngest', { operation: 'ingest', source: 'url', fileUrl: `${world.files.url}/speech.mp4` }).failTo('Ingest');
		for (const operation of ['transcribe', 'index_asset']) add.media(operation, 'mediaCaption', { operation, assetId: "={{ $('Ingest').first().json.asset_id }}" }).failTo(operation);
		const added = await world.result(await world.fire(add, await world.deploy(add), {}));
		expect(added.error?.message).toBeUndefined();
		const assetId = String(added.runs.Ingest?.[0]?.data?.main[0]?.[0]?.json.asset_id);

		const credential = await ensureCredential(world.n8n, [], { name: 'Chat', type: 'openAiApi', data: { apiKey: KEY, url: chat.url } });
		const ask = fromTemplate(credential);
		const answered = await world.result(await world.fire(ask, await world.deploy(ask), { question: 'Where do the children wait?' }));

		expect(answered.error?.message).toBeUndefined();
		expect(chat.tools.map(({ function: { name } }) => name).sort()).toEqual(['Correct_a_Word', 'Search_the_Library']);
		expect(chat.toolResults).toHaveLength(1);
		const text = String(answered.runs.Librarian?.at(-1)?.data?.main[0]?.[0]?.json.output);
		expect(text).toContain(assetId);
		expect(text).toContain('stone');
	}, 300_000);

	it('tells the agent why its tool failed, instead of finding nothing', async () => {
		const credential = await ensureCredential(world.n8n, [], { name: 'Chat 2', type: 'openAiApi', data: { apiKey: KEY, url: chat.url } });
		chat.decide = (results) => (results.length === 0 ? { tool: /Caption/, arguments: { url: `${world.files.url}/speech.mp4` } } : { text: `It said: ${results.at(-1) ?? ''}` });
		const ask = fromTemplate(credential).attach('Librarian', 'ai_tool', 'Caption', 'n8n-nodes-media-pipeline.mediaCaptionTool', 1, {
			descriptionType: 'manual',
			toolDescription: 'Writes a post about a video.',
			operation: 'add_subtitles',
			source: 'url',
			fileUrl: "={{ $fromAI('url', 'Address of the video', 'string') }}",
		});
		const answered = await world.result(await world.fire(ask, await world.deploy(ask), { question: 'Put subtitles on it' }));

		expect(answered.error?.message).toBeUndefined();
		const text = String(answered.runs.Librarian?.at(-1)?.data?.main[0]?.[0]?.json.output);
		// There is no transcript of it yet.
		expect(text).toMatch(/input_not_found.*Run transcribe|Run transcribe.*input_not_found/s);
	}, 300_000);
});

function fromTemplate(credential: { id: string; name: string }): WorkflowBuilder {
	const template = JSON.parse(readFileSync(join(ROOT, 'workflows', 'search-your-library.json'), 'utf8')) as WorkflowFile;
	const node = (name: string) => {
		const found = template.nodes.find((candidate) => candidate.name === name);
		if (!found) throw new Error(`the template has no node "${name}"`);
		return found;
	};
	const agent = node('Librarian');
	const workflow = new WorkflowBuilder('ask').webhook().add(agent.name, agent.type, agent.typeVersion, { ...agent.parameters, promptType: 'define', text: '={{ $json.body.question }}' });
	const model = node('Chat Model');
	workflow.attach('Librarian', 'ai_languageModel', model.name, model.type, model.typeVersion, model.parameters, { credentials: { openAiApi: credential } });
	for (const tool of ['Search the Library', 'Correct a Word'].map(node)) workflow.attach('Librarian', 'ai_tool', tool.name, tool.type, tool.typeVersion, tool.parameters);
	return workflow;
}
