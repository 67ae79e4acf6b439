import { createHash } from 'node:crypto';
import { streamForm } from './streamForm.ts';

const headers = { 'content-type': 'multipart/form-data; boundary=cut-here' };
const head = (name: string, file = '') => `--cut-here\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`;
const FORM = Buffer.from(
	`${head('key')}a value\r\n${head('empty')}\r\n${head('file', '; filename="a.mp4"\r\nContent-Type: video/mp4')}\r\n--cut-her is not the end\r\n\r\n--cut-here--\r\n`,
);
const FILE = '\r\n--cut-her is not the end\r\n';

async function* pieces(body: Buffer, size: number): AsyncIterable<Buffer> {
	for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}
const read = (body: Buffer, size: number, discard = false) => streamForm({ headers, chunks: pieces(body, size) }, discard);

describe('a form that is read while it arrives', () => {
	it.each([1, 2, 3, 7, 11, 64, 10_000])('has the same fields when it comes in pieces of %i bytes', async (size) => {
		const parts = await read(FORM, size);
		expect(parts?.map(({ name, mime, data }) => [name, mime, data.toString()])).toEqual([
			['key', null, 'a value'],
			['empty', null, ''],
			['file', 'video/mp4', FILE],
		]);
		expect(parts?.[2]).toMatchObject({ fileName: 'a.mp4', size: FILE.length, sha256: createHash('sha256').update(FILE).digest('hex') });
	});

	it('drops files and keeps texts when it is told to', async () => {
		const parts = await read(FORM, 5, true);
		expect(parts?.map(({ data }) => data.length)).toEqual([7, 0, 0]);
		expect(parts?.[2]).toMatchObject({ size: FILE.length, sha256: createHash('sha256').update(FILE).digest('hex') });
	});

	it.each<[string, Buffer]>([
		['no boundary at the beginning', Buffer.concat([Buffer.from('x\r\n'), FORM])],
		['no end', FORM.subarray(0, -8)],
		['a field without a name', Buffer.from('--cut-here\r\nContent-Disposition: form-data\r\n\r\nv\r\n--cut-here--\r\n')],
		['nothing', Buffer.alloc(0)],
	])('is refused with %s', async (_, body) => expect(await read(body, 9)).toBeNull());
});
