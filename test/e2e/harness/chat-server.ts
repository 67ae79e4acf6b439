import type { AddressInfo } from 'node:net';
import express from 'express';

interface Message {
	role: string;
	content?: unknown;
	tool_calls?: unknown[];
	tool_call_id?: string;
}
interface Tool {
	type: string;
	function: { name: string; description?: string; parameters?: { properties?: Record<string, unknown> } };
}

/** What the model decides: to call a tool, or to answer. */
export type Decision = { tool: RegExp; arguments: Record<string, unknown> } | { text: string };

export interface ChatServer {
	/** Base URL of the API. */
	url: string;
	/** Tools that were offered with the last request. */
	tools: Tool[];
	/** What tools gave back, in order. */
	toolResults: string[];
	/** May be changed from one question to the next. */
	decide: (toolResults: string[]) => Decision;
	close(): void;
}

/**
 * A chat model of the OpenAI API that follows a script, as a real one would decide: whether to call a tool, and with what.
 * Refuses requests without key, tools without a schema, and results of calls that it never made.
 */
export async function startChatServer(key: string, decide: (toolResults: string[]) => Decision): Promise<ChatServer> {
	const app = express();
	const calls = new Set<string>();
	const state: ChatServer = { url: '', tools: [], toolResults: [], decide, close: () => server.close() };
	app.use(express.json({ limit: '5mb' }));
	app.get('/v1/models', (_request, response) => void response.json({ object: 'list', data: [{ id: 'gpt-4o-mini', object: 'model' }] }));
	app.post('/v1/chat/completions', (request, response) => {
		const { messages = [], tools = [], stream = false } = request.body as { messages?: Message[]; tools?: Tool[]; stream?: boolean };
		const refuse = (status: number, message: string): void => void response.status(status).json({ error: { message, type: 'invalid_request_error' } });
		if (request.headers.authorization !== `Bearer ${key}`) return refuse(401, 'Incorrect API key provided.');
		if (tools.some(({ type, function: { name, parameters } }) => type !== 'function' || !/^[\w-]{1,64}$/.test(name) || !parameters?.properties)) return refuse(400, `Invalid tools: ${JSON.stringify(tools)}`);
		const results = messages.filter(({ role }) => role === 'tool');
		if (results.some(({ tool_call_id: id }) => !calls.has(id ?? ''))) return refuse(400, 'A tool result answers no call.');
		state.tools = tools;
		state.toolResults = results.map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)));
		const decision = state.decide(state.toolResults);
		const message: Message = { role: 'assistant', content: null };
		if ('text' in decision) message.content = decision.text;
		else {
			const tool = tools.find(({ function: { name } }) => decision.tool.test(name));
			if (!tool) return refuse(400, `No tool ${decision.tool} among ${tools.map(({ function: { name } }) => name).join(', ')}`);
			const id = `call_${calls.size + 1}`;
			calls.add(id);
			message.tool_calls = [{ index: 0, id, type: 'function', function: { name: tool.function.name, arguments: JSON.stringify(decision.arguments) } }];
		}
		const finish = 'text' in decision ? 'stop' : 'tool_calls';
		const common = { id: 'chatcmpl-1', created: 1, model: 'gpt-4o-mini' };
		if (!stream) return void response.json({ ...common, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finish }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } });
		response.setHeader('content-type', 'text/event-stream');
		const chunk = (delta: unknown, reason: string | null): string => `data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
		response.end(`${chunk(message, null)}${chunk({}, finish)}data: [DONE]\n\n`);
	});
	const server = app.listen(0, '127.0.0.1');
	await new Promise((resolve) => server.once('listening', resolve));
	state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
	return state;
}
