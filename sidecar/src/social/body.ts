import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** One field of a form: text, or a range of a file that is read while it is sent. */
export type FormField = { name: string; value: string } | { name: string; file: FileRange };

export interface FileRange {
	path: string;
	/** First byte. */
	start: number;
	/** Byte after the last one. */
	end: number;
	fileName: string;
	mime: string;
}

export type Body = { kind: 'json'; value: unknown } | { kind: 'form'; fields: FormField[] };

/** A body that is ready to be sent: its length is known, its bytes are made on the way. */
export interface Encoded {
	contentType: string;
	length: number;
	chunks(): AsyncIterable<Buffer>;
}

export function encode(body: Body): Encoded {
	if (body.kind === 'json') {
		const bytes = Buffer.from(JSON.stringify(body.value));
		return { contentType: 'application/json', length: bytes.length, chunks: () => once(bytes) };
	}
	const boundary = `----media-pipeline-${randomUUID()}`;
	const heads = body.fields.map((field) => Buffer.from(head(boundary, field)));
	const tail = Buffer.from(`--${boundary}--\r\n`);
	const length = body.fields.reduce((sum, field, index) => sum + heads[index]!.length + size(field) + 2, tail.length);
	return {
		contentType: `multipart/form-data; boundary=${boundary}`,
		length,
		async *chunks() {
			for (const [index, field] of body.fields.entries()) {
				yield heads[index]!;
				if ('file' in field) yield* readRange(field.file);
				else yield Buffer.from(field.value);
				yield Buffer.from('\r\n');
			}
			yield tail;
		},
	};
}

async function* once(bytes: Buffer): AsyncIterable<Buffer> {
	yield bytes;
}

const size = (field: FormField): number => ('file' in field ? field.file.end - field.file.start : Buffer.byteLength(field.value));

function head(boundary: string, field: FormField): string {
	const file = 'file' in field ? `; filename="${quote(field.file.fileName)}"\r\nContent-Type: ${field.file.mime}` : '';
	return `--${boundary}\r\nContent-Disposition: form-data; name="${quote(field.name)}"${file}\r\n\r\n`;
}

/** The escapes of the HTML standard's multipart/form-data encoding. */
const quote = (name: string): string => name.replace(/\r/g, '%0D').replace(/\n/g, '%0A').replace(/"/g, '%22');

/** Throws when the file has become shorter meanwhile: the length has been promised already. */
async function* readRange({ path, start, end }: FileRange): AsyncIterable<Buffer> {
	if (start === end) return;
	let read = 0;
	for await (const chunk of createReadStream(path, { start, end: end - 1 }) as AsyncIterable<Buffer>) {
		read += chunk.length;
		yield chunk;
	}
	if (read !== end - start) throw new Error(`the file to be uploaded ended after ${start + read} bytes, ${end} were expected`);
}

export interface Segment {
	index: number;
	start: number;
	/** Byte after the last one. */
	end: number;
}

/** Cuts `bytes` into segments of `segmentBytes`; the last one is the rest. No segment is empty. */
export function planSegments(bytes: number, segmentBytes: number): Segment[] {
	return Array.from({ length: Math.ceil(bytes / segmentBytes) }, (_, index) => ({
		index,
		start: index * segmentBytes,
		end: Math.min(bytes, (index + 1) * segmentBytes),
	}));
}
