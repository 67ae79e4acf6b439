import type { Answered, Provider } from './provider.ts';

/** Writes structured JSON from text and images. */
export interface Writer extends Provider {
	/** Throws the `provider_…` codes and the signal's reason. */
	write(request: WriteRequest): Promise<Written>;
}

export interface WriteRequest {
	/** Rules. Never holds text from the media. */
	system: string;
	user: string;
	images: WriterImage[];
	/** Name of the schema, `[a-z_]+`. */
	schemaName: string;
	/** JSON Schema of the answer; every property required, `additionalProperties: false`. */
	schema: Record<string, unknown>;
	/** An earlier answer and what was wrong with it: asks for a better one. */
	repair?: { answer: string; complaint: string } | undefined;
	signal: AbortSignal;
}

export interface WriterImage {
	mime: 'image/jpeg' | 'image/png' | 'image/webp';
	data: Buffer;
}

export interface Written extends Answered {
	/** Undefined when the answer was no JSON. Not validated. */
	json: unknown;
	/** The answer as it came. */
	text: string;
}
