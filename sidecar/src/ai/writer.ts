/** Writes structured JSON from text and images. One file per provider implements it; operations know only this. */
export interface Writer {
	readonly name: string;
	/** Throws `provider_not_configured` when it cannot work at all; asked before any costly preparation. */
	check(): void;
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

export interface Written {
	/** Undefined when the answer was no JSON. Not validated. */
	json: unknown;
	/** The answer as it came. */
	text: string;
	/** `{ ai_input_tokens, ai_output_tokens, ai_tokens }` */
	usage: Record<string, number>;
}
