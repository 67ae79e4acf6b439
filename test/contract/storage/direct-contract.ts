import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { DirectRequest, Storage } from '../../../sidecar/src/storage/storage.ts';
import { describeIf, type Place, type StorageStage } from './stage.ts';

const inAMinute = () => new Date(Date.now() + 60_000);

/** The part of the contract that is about others who fetch and put bytes themselves: really done, over HTTP. `place`: that of the test that runs. */
export function describeDirect(can: StorageStage['can'], place: () => Place): void {
	const the = (): Storage => place().storage;
	const put = (key: string, content: string) => the().putStream(key, Readable.from([Buffer.from(content)]));
	const content = async (key: string): Promise<string> => String(await buffer(await the().read(key)));
	const keys = async (): Promise<string[]> => {
		const found: string[] = [];
		for await (const file of the().list('')) found.push(file.key);
		return found;
	};

	/** As a browser does it: the length is not a header that a page can set. */
	const send = (request: DirectRequest, body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> => {
		const { 'content-length': _length, ...rest } = request.headers;
		return fetch(request.url, { method: request.method, headers: { ...rest, ...headers }, body: typeof body === 'string' ? body : new Uint8Array(body) });
	};

	it('says whether it has links of its own', () => {
		expect(the().direct('raw/default/x.mp4') !== null).toBe(can.direct);
		expect((the().direct('raw/default/x.mp4')?.put ?? null) !== null).toBe(can.direct && can.directPut !== false);
		expect(the().multipart('raw/default/x.mp4') !== null).toBe(can.multipart);
		expect(the().localPath('raw/default/x.mp4') === null || !can.direct).toBe(true);
	});

	describeIf(can.direct)('direct links', () => {
		const links = () => the().direct('raw/default/d.mp4')!;
		const signPut = (bytes: number, expiresAt = inAMinute()): Promise<DirectRequest> => links().put!('raw/default/up.mp4', { expiresAt, mime: 'video/mp4', bytes });

		it('are fetched without keys, with ranges, type and name', async () => {
			await put('raw/default/d.mp4', 'abcdefgh');
			const url = await links().get('raw/default/d.mp4', { expiresAt: inAMinute(), mime: 'video/mp4', name: 'Größe "1".mp4', attachment: true });
			const whole = await fetch(url);
			expect(whole.status).toBe(200);
			expect(whole.headers.get('content-type')).toBe('video/mp4');
			expect(whole.headers.get('content-disposition')).toMatch(/^attachment/);
			expect(await whole.text()).toBe('abcdefgh');
			const part = await fetch(url, { headers: { range: 'bytes=2-4' } });
			expect(part.status).toBe(206);
			expect(await part.text()).toBe('cde');
		});

		it('are refused when they were altered, or have expired', async () => {
			await put('raw/default/d.mp4', 'mine');
			await put('raw/default/e.mp4', 'another');
			const url = await links().get('raw/default/d.mp4', { expiresAt: inAMinute(), mime: 'video/mp4', name: 'd.mp4', attachment: false });
			const other = await fetch(url.replaceAll('d.mp4', 'e.mp4'));
			expect(other.status).toBeGreaterThanOrEqual(400);
			expect(await other.text()).not.toContain('another');
			const late = await links().get('raw/default/d.mp4', { expiresAt: new Date(Date.now() - 1000), mime: 'video/mp4', name: 'd.mp4', attachment: false });
			expect((await fetch(late)).status).toBeGreaterThanOrEqual(400);
		});

		describeIf(can.directPut !== false)('for writing', () => {
			it('take the bytes they were made for', async () => {
				const request = await signPut(5);
				expect((await send(request, '12345')).ok).toBe(true);
				expect(await content('raw/default/up.mp4')).toBe('12345');
				expect(await the().head('raw/default/up.mp4')).toMatchObject({ bytes: 5 });
			});

			it.each([
				['more bytes', (request: DirectRequest) => send(request, '123456')],
				['fewer bytes', (request: DirectRequest) => send(request, '1234')],
				['another type', (request: DirectRequest) => send(request, '12345', { 'content-type': 'text/html' })],
				['another key', (request: DirectRequest) => send({ ...request, url: request.url.replace('up.mp4', 'no.mp4') }, '12345')],
			])('refuse %s', async (_what, attempt) => {
				const request = await signPut(5);
				expect((await attempt(request)).status).toBeGreaterThanOrEqual(400);
				expect(await keys()).toEqual([]);
			});

			it('refuse to be used after their time', async () => {
				const request = await signPut(5, new Date(Date.now() - 1000));
				expect((await send(request, '12345')).status).toBeGreaterThanOrEqual(400);
				expect(await keys()).toEqual([]);
			});
		});
	});

	describeIf(can.multipart)('uploads in parts', () => {
		const KEY = 'incoming/default/parts';
		const parts = () => the().multipart(KEY)!;
		const upload = async (id: string, part: number, body: Buffer): Promise<number> => (await send(await parts().signPart(KEY, id, part, { expiresAt: inAMinute(), bytes: body.length }), body)).status;

		it('become a file when all parts are there', async () => {
			const [first, last] = [Buffer.alloc(parts().partBytes, 'a'), Buffer.from('end')];
			const id = await parts().begin(KEY, { mime: 'video/mp4' });
			expect(await upload(id, 2, last)).toBeLessThan(300);
			expect(await the().head(KEY)).toBeNull();
			await expect(parts().complete(KEY, id)).rejects.toMatchObject({ code: 'conflict', details: { missing_parts: [1] } });
			expect(await the().head(KEY)).toBeNull();
			expect(await upload(id, 1, first)).toBeLessThan(300);
			expect(await parts().complete(KEY, id)).toMatchObject({ key: KEY, bytes: first.length + 3 });
			expect((await buffer(await the().read(KEY))).equals(Buffer.concat([first, last]))).toBe(true);
			// The answer may be lost: asking again is answered alike.
			expect(await parts().complete(KEY, id)).toMatchObject({ bytes: first.length + 3 });
			await parts().abort(KEY, id);
			expect(await the().head(KEY)).toMatchObject({ bytes: first.length + 3 });
		});

		it('may have a single part of any size', async () => {
			const id = await parts().begin(KEY, { mime: 'video/mp4' });
			expect(await upload(id, 1, Buffer.from('only'))).toBeLessThan(300);
			expect(await parts().complete(KEY, id)).toMatchObject({ bytes: 4 });
			expect(await content(KEY)).toBe('only');
		});

		it('leave nothing when they are given up', async () => {
			const id = await parts().begin(KEY, { mime: 'video/mp4' });
			expect(await upload(id, 1, Buffer.from('only'))).toBeLessThan(300);
			await parts().abort(KEY, id);
			await parts().abort(KEY, id);
			expect(await upload(id, 1, Buffer.from('late'))).toBeGreaterThanOrEqual(400);
			await expect(parts().complete(KEY, id)).rejects.toMatchObject({ code: 'not_found' });
			expect(await keys()).toEqual([]);
			expect(await place().leftovers()).toEqual([]);
		});

		it('have no parts of another size, or beyond the last number', async () => {
			const id = await parts().begin(KEY, { mime: 'video/mp4' });
			const request = await parts().signPart(KEY, id, 1, { expiresAt: inAMinute(), bytes: 4 });
			expect((await send(request, 'longer')).status).toBeGreaterThanOrEqual(400);
			await expect(parts().signPart(KEY, id, 0, { expiresAt: inAMinute(), bytes: 4 })).rejects.toMatchObject({ code: 'invalid_request' });
			await expect(parts().signPart(KEY, id, 10_001, { expiresAt: inAMinute(), bytes: 4 })).rejects.toMatchObject({ code: 'invalid_request' });
		});
	});
}
