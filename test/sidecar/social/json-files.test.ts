import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Base64File, encodeJson } from '../../../sidecar/src/social/json-files.ts';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'json-files-'))));
afterAll(() => rm(folder, { recursive: true }));

const fileOf = async (content: Buffer) => {
	const path = join(folder, `${content.length}`);
	await writeFile(path, content);
	return path;
};
const read = async (value: unknown) => {
	const encoded = encodeJson(value);
	const pieces: Buffer[] = [];
	for await (const piece of encoded.chunks()) pieces.push(piece);
	const body = Buffer.concat(pieces);
	expect(body.length).toBe(encoded.length);
	return JSON.parse(body.toString()) as unknown;
};

describe('JSON with files in it', () => {
	it('is plain JSON without any', async () => {
		expect(await read({ text: 'ä "quoted"', list: [1, null] })).toEqual({ text: 'ä "quoted"', list: [1, null] });
	});

	// Pieces of a file are read 64 KiB at a time, which three does not divide.
	it.each([0, 1, 2, 3, 65_535, 65_536, 65_537, 200_000])('holds a file of %i bytes whole', async (bytes) => {
		const content = Buffer.from(Array.from({ length: bytes }, (_, at) => at % 251));
		const value = await read({ before: 'x', items: [{ data: new Base64File(await fileOf(content), bytes) }], after: 'y' });
		expect(value).toEqual({ before: 'x', items: [{ data: content.toString('base64') }], after: 'y' });
	});

	it.each([-1, 1])('breaks off when the file has become another (%i)', async (difference) => {
		const path = await fileOf(Buffer.alloc(100_000));
		await expect(read({ data: new Base64File(path, 100_000 + difference) })).rejects.toThrow('100000 bytes');
	});
});
