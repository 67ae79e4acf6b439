import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Encoded } from './body.ts';

/** A file that stands in JSON as a base64 text. It is read while it is sent. */
export class Base64File {
	readonly path: string;
	readonly bytes: number;

	constructor(path: string, bytes: number) {
		this.path = path;
		this.bytes = bytes;
	}
}

/** `value` as JSON; every Base64File in it becomes the text of its bytes, without being held in memory. */
export function encodeJson(value: unknown): Encoded {
	// No text of a user can contain it.
	const mark = `file-${randomUUID()}`;
	const files: Base64File[] = [];
	const json = JSON.stringify(value, (_key, entry: unknown) => {
		if (!(entry instanceof Base64File)) return entry;
		files.push(entry);
		return mark;
	});
	const texts = json.split(mark).map((text) => Buffer.from(text));
	const length = texts.reduce((sum, text) => sum + text.length, 0) + files.reduce((sum, { bytes }) => sum + base64Length(bytes), 0);
	return {
		contentType: 'application/json',
		length,
		async *chunks() {
			for (const [index, text] of texts.entries()) {
				yield text;
				const file = files[index];
				if (file) yield* readBase64(file);
			}
		},
	};
}

const base64Length = (bytes: number): number => 4 * Math.ceil(bytes / 3);

/** Throws when the file has another length by now: the length of the body has been promised already. */
async function* readBase64({ path, bytes }: Base64File): AsyncIterable<Buffer> {
	let rest: Buffer = Buffer.alloc(0);
	let read = 0;
	for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
		read += chunk.length;
		const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
		// Three bytes are four letters: what is left over waits for the next piece.
		const whole = all.length - (all.length % 3);
		rest = all.subarray(whole);
		if (whole > 0 && read <= bytes) yield Buffer.from(all.toString('base64', 0, whole), 'latin1');
	}
	if (read !== bytes) throw new Error(`the file to be uploaded has ${read} bytes, ${bytes} were expected`);
	if (rest.length > 0) yield Buffer.from(rest.toString('base64'), 'latin1');
}
