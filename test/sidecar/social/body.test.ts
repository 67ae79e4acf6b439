import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { encode, planSegments } from '../../../sidecar/src/social/body.ts';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'body-'))));
afterAll(() => rm(folder, { recursive: true }));

const all = async (chunks: AsyncIterable<Buffer>) => {
	const parts: Buffer[] = [];
	for await (const chunk of chunks) parts.push(chunk);
	return Buffer.concat(parts);
};

describe('planSegments', () => {
	const size = 1024 * 1024;
	it('covers every byte once, in order, within the limit', () => {
		const interesting = fc.constantFrom(0, 1, size - 1, size, size + 1, 3 * size, 512_000_000, 4 * 1024 ** 3);
		fc.assert(
			fc.property(fc.oneof(interesting, fc.nat(20 * size)), (bytes) => {
				const segments = planSegments(bytes, size);
				expect(segments.reduce((sum, { start, end }) => sum + end - start, 0)).toBe(bytes);
				segments.forEach(({ index, start, end }, at) => {
					expect(index).toBe(at);
					expect(start).toBe(at === 0 ? 0 : segments[at - 1]!.end);
					expect(end - start).toBeGreaterThan(0);
					expect(end - start).toBeLessThanOrEqual(size);
				});
			}),
		);
	});
});

describe('encode', () => {
	it('promises the length that it sends, for any range of a file', async () => {
		const path = join(folder, 'file');
		await writeFile(path, Buffer.from('0123456789'));
		for (const [start, end] of [[0, 10], [3, 7], [9, 10], [4, 4]] as const) {
			const body = encode({ kind: 'form', fields: [{ name: 'a', value: 'ü"\n' }, { name: 'file', file: { path, start, end, fileName: 'ev"il\r\n.mp4', mime: 'video/mp4' } }] });
			const sent = await all(body.chunks());
			expect(sent).toHaveLength(body.length);
			expect(sent.toString()).toContain(`\r\n\r\n${'0123456789'.slice(start, end)}\r\n--`);
			expect(sent.toString()).toContain('filename="ev%22il%0D%0A.mp4"');
		}
	});
	it('fails when the file has become shorter than promised', async () => {
		const path = join(folder, 'short');
		await writeFile(path, 'abc');
		const body = encode({ kind: 'form', fields: [{ name: 'file', file: { path, start: 0, end: 10, fileName: 'f', mime: 'a/b' } }] });
		await expect(all(body.chunks())).rejects.toThrow('ended after 3 bytes, 10 were expected');
	});
	it('counts the bytes of JSON, not its characters', async () => {
		const body = encode({ kind: 'json', value: { text: 'ü👍' } });
		expect(await all(body.chunks())).toHaveLength(body.length);
	});
});
