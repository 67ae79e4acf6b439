import fc from 'fast-check';
import { nextChunk, planChunks, receivedBytes, type Chunk } from '../../../../sidecar/src/social/tiktok/chunks.ts';
import { isPlausible } from '../../../../sidecar/src/social/tiktok/upload.ts';

/** Every chunk of a plan, as they are sent. */
function chunksOf(size: number, chunkBytes?: number): Chunk[] {
	const plan = planChunks(size, chunkBytes);
	const chunks: Chunk[] = [];
	for (let chunk = nextChunk(plan, 0); chunk; chunk = nextChunk(plan, chunk.end)) chunks.push(chunk);
	return chunks;
}

/** Stricter of both readings of TikTok's megabyte (platforms.md 3.3). */
const FLOOR = 5 * 1024 * 1024;
const CAP = 64_000_000;
const LARGEST = 4_000_000_000;
const sizes = fc.oneof(
	fc.integer({ min: 1, max: LARGEST }),
	fc.constantFrom(1, FLOOR - 1, FLOOR, 5_999_999, 6_000_000, 11_999_999, 12_000_000, 12_000_001, CAP - 1, CAP, CAP + 1, LARGEST),
);

describe('the chunks of a video', () => {
	it('are whole, in order, within the limits, and as many as TikTok works out itself', () => {
		fc.assert(
			fc.property(sizes, (size) => {
				const plan = planChunks(size);
				const chunks = chunksOf(size);
				expect(chunks.map(({ start }) => start)).toEqual([0, ...chunks.slice(0, -1).map(({ end }) => end)]);
				expect(chunks.at(-1)!.end).toBe(size);
				expect(chunks.map(({ last }) => last)).toEqual(chunks.map((_, index) => index === chunks.length - 1));
				expect([chunks.length, plan.count]).toEqual([Math.floor(size / plan.chunkBytes), chunks.length]);
				expect(plan.count).toBeLessThanOrEqual(1000);
				if (plan.count === 1) return expect(plan.chunkBytes).toBe(size);
				const lengths = chunks.map(({ start, end }) => end - start);
				expect(Math.min(...lengths)).toBeGreaterThanOrEqual(FLOOR);
				expect(Math.max(...lengths)).toBeLessThanOrEqual(CAP);
			}),
		);
	});

	it('go on from wherever TikTok is, to the end of that chunk', () => {
		fc.assert(
			fc.property(sizes, fc.double({ min: 0, max: 1, noNaN: true }), (size, part) => {
				const plan = planChunks(size);
				const received = Math.floor(size * part);
				const chunk = nextChunk(plan, received);
				if (received === size) return expect(chunk).toBeNull();
				const whole = chunksOf(size).find(({ start, end }) => start <= received && received < end)!;
				expect(chunk).toEqual({ ...whole, start: received });
			}),
			{ numRuns: 50 },
		);
	});

	it('are those of the documentation', () => {
		expect(planChunks(50_000_123, 10_000_000)).toEqual({ size: 50_000_123, chunkBytes: 10_000_000, count: 5 });
		expect(chunksOf(50_000_123, 10_000_000).map(({ start, end }) => [start, end - 1])).toEqual([
			[0, 9_999_999],
			[10_000_000, 19_999_999],
			[20_000_000, 29_999_999],
			[30_000_000, 39_999_999],
			[40_000_000, 50_000_122],
		]);
	});

	it.each([
		['bytes 0-9999999/50000123', 10_000_000],
		['bytes */50000123', 0],
		['bytes 5-10/50000123', null],
		['', null],
		[undefined, null],
	])('read %s as %p bytes', (header, expected) => expect(receivedBytes(header)).toBe(expected));
});

describe('the address of an upload', () => {
	it.each([
		['https://open-upload.tiktokapis.com/video/?upload_id=1', true],
		['https://open.tiktokapis.com/upload/?upload_id=1', true],
		['http://open-upload.tiktokapis.com/video/?upload_id=1', false],
		['https://169.254.169.254/latest/', false],
		['https://10.0.0.7/video/', false],
		['https://[::1]/video/', false],
		['https://localhost/video/', false],
		['https://sidecar/video/', false],
		['ftp://open-upload.tiktokapis.com/video/', false],
	])('%s is plausible: %s', (url, plausible) => expect(isPlausible(url, 'https://open.tiktokapis.com')).toBe(plausible));

	it('may be any of the host that was asked, where that is a stand-in', () => expect(isPlausible('http://127.0.0.1:4000/upload/', 'http://127.0.0.1:4000')).toBe(true));
});
