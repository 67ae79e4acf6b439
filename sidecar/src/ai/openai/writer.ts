import type { Writer } from '../writer.ts';
import { complete } from './chat.ts';
import type { OpenAiClient } from './client.ts';

/** @param model must take images and a JSON schema, e.g. `gpt-4o-mini` */
export function createOpenAiWriter({ client, model }: { client: OpenAiClient; model: string }): Writer {
	return { name: 'openai', model, obstacle: () => client.obstacle(), write: (request) => complete(client, model, request) };
}
