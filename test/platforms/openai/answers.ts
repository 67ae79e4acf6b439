import { createHash } from 'node:crypto';
import type { ChatRequest } from '../openai.ts';
import { fromSchema, type SchemaNode } from './schema.ts';

/** What a model could answer: to numbered things one text each, else what the schema asks for. */
export function plausibleAnswer(request: ChatRequest): unknown {
	const { name, schema } = request.response_format.json_schema;
	const texts = partsOf(request).flatMap(({ text }) => text ?? []);
	if (name === 'translations') {
		const language = /into ([^.]+)\./.exec(String(request.messages[0]?.content))?.[1] ?? '';
		return { items: materialOf(texts.join('\n')).map(({ n, text }) => ({ n, text: `[${language}] ${text}` })) };
	}
	if (name === 'descriptions') return { items: imageUrls(request).map((_url, index) => ({ n: index + 1, text: `What picture ${index + 1} shows.` })) };
	return fromSchema(schema as SchemaNode);
}

/** The numbered texts of a request: JSON on a line of its own between two marks, the last of its kind. */
function materialOf(user: string): Array<{ n: number; text: string }> {
	const found = [...user.matchAll(/^<([0-9a-f]{16})>\n(.*)\n<\/\1>$/gm)].at(-1)?.[2];
	return found ? (JSON.parse(found) as Array<{ n: number; text: string }>) : [];
}

interface Part {
	type: string;
	text?: string;
	image_url?: { url?: string };
}

const partsOf = ({ messages }: ChatRequest): Part[] => messages.flatMap(({ content }) => (Array.isArray(content) ? (content as Part[]) : []));

export const imageUrls = (request: ChatRequest): string[] => partsOf(request).flatMap(({ type, image_url: image }) => (type === 'image_url' ? [image?.url ?? ''] : []));

/** Texts that share words have vectors that are alike. Length 1, as theirs. */
export function vectorOf(text: string, dimensions: number): number[] {
	const vector = new Array<number>(dimensions).fill(0);
	for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['']) {
		const hash = createHash('sha256').update(word).digest();
		for (let at = 0; at < 8; at++) {
			const place = hash.readUInt16LE(at * 2) % dimensions;
			vector[place] = (vector[place] ?? 0) + ((hash[16 + at] ?? 0) % 2 === 0 ? 1 : -1);
		}
	}
	const length = Math.hypot(...vector) || 1;
	return vector.map((value) => value / length);
}
