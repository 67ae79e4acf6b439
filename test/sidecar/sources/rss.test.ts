import type { IncomingMessage, ServerResponse } from 'node:http';
import { listRequestSchema } from '../../../sidecar/src/contract/sources.ts';
import { readFeedApart } from '../../../sidecar/src/sources/feed-apart.ts';
import { createListSource } from '../../../sidecar/src/sources/list-source.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { live, sourceSettings } from '../../support/sources.ts';

const item = (index: number, inner = `<enclosure url="/audio/${index}.mp3?key=a&amp;b=c" length="${index}00" type="audio/mpeg"/>`): string =>
	`<item><title>Folge &quot;${index}&quot;</title><guid isPermaLink="false">guid-${index}</guid><link>/episodes/${index}</link><pubDate>Tue, 10 Jun 2025 0${index}:00:00 GMT</pubDate>${inner}</item>`;
const rss = (items: string): string =>
	`<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>Ein Podcast</title><link>https://pod.test</link><description>d</description>${items}</channel></rss>`;

describe('a feed as a place that holds many files', () => {
	let server: TestServer;
	let answer: (request: IncomingMessage, response: ServerResponse) => void;
	beforeEach(async () => {
		server = await startServer((request, response) => answer(request, response));
	});
	afterEach(() => server.close());
	const serve = (body: string | Buffer, headers: Record<string, string> = {}) => {
		answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/rss+xml', ...headers }).end(body);
	};
	const list = (cursor: string | null = null, limit = 100, path = '/feeds/all.xml') =>
		createListSource(sourceSettings({ allowed: [server.host] }))({ place: { type: 'rss', url: `${server.url}${path}` }, secrets: {}, cursor, limit, signal: live() });

	it('gives enclosures with absolute addresses, and what the feed says of them', async () => {
		serve(rss(item(1, `<enclosure url="/audio/1.mp3?key=a&amp;b=c" length="100" type="audio/mpeg"/><itunes:duration>1:02</itunes:duration><itunes:author>Ann</itunes:author>`)));
		const { entries, skipped, hasMore } = await list();
		expect(entries).toEqual([
			{
				place: { type: 'url', url: `${server.url}/audio/1.mp3?key=a&b=c` },
				name: '1.mp3',
				bytes: 100,
				mime: 'audio/mpeg',
				modifiedAt: new Date('2025-06-10T01:00:00Z'),
				version: 'guid-1',
				metadata: { title: 'Folge "1"', author: 'Ann', link: `${server.url}/episodes/1`, guid: 'guid-1', feed: 'Ein Podcast', duration_seconds: 62 },
			},
		]);
		expect([skipped, hasMore]).toEqual([[], false]);
	});

	it('takes one rendition of each group of Media RSS, and leaves out pictures that go along and documents', async () => {
		serve(
			rss(
				item(1, '<media:group><media:content url="small.mp4" height="360" medium="video"/><media:content url="large.mp4" height="1080" medium="video"/></media:group><media:content url="poster.jpg" medium="image"/>') +
					item(2, '<enclosure url="paper.pdf" length="5" type="application/pdf"/>'),
			),
		);
		const { entries, skipped } = await list();
		expect(entries.map(({ place }) => place)).toEqual([{ type: 'url', url: `${server.url}/feeds/large.mp4` }]);
		expect(skipped).toEqual([{ name: 'paper.pdf', reason: expect.stringContaining('application/pdf') }]);
	});

	it('reads Atom with xml:base, and JSON Feed', async () => {
		serve('<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://cdn.test/x/"><title>A</title><entry><id>urn:1</id><title>t</title><updated>2025-01-01T00:00:00Z</updated><link rel="enclosure" href="v.mp4" type="video/mp4" length="99"/></entry></feed>');
		expect((await list()).entries).toMatchObject([{ place: { url: 'https://cdn.test/x/v.mp4' }, version: 'urn:1', bytes: 99 }]);
		serve(JSON.stringify({ version: 'https://jsonfeed.org/version/1.1', title: 'J', items: [{ id: 'j1', content_text: 'c', attachments: [{ url: 'https://cdn.test/j.mp3', mime_type: 'audio/mpeg', size_in_bytes: 7 }] }] }));
		expect((await list()).entries).toMatchObject([{ place: { url: 'https://cdn.test/j.mp3' }, version: 'j1', bytes: 7 }]);
	});

	it('goes page by page, and later tells only what is new; an unchanged feed is not sent again', async () => {
		let items = [1, 2, 3];
		const seen: Array<string | undefined> = [];
		answer = (request, response) => {
			seen.push(request.headers['if-none-match']);
			const etag = `"${items.join('-')}"`;
			if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
			response.writeHead(200, { etag }).end(rss(items.map((index) => item(index)).join('')));
		};
		const first = await list(null, 2);
		expect([first.entries.map(({ version }) => version), first.hasMore]).toEqual([['guid-1', 'guid-2'], true]);
		const second = await list(first.cursor, 2);
		expect([second.entries.map(({ version }) => version), second.hasMore]).toEqual([['guid-3'], false]);
		const third = await list(second.cursor);
		expect([third.entries, third.hasMore, third.cursor]).toEqual([[], false, second.cursor]);
		items = [4, 1, 2, 3];
		expect((await list(third.cursor)).entries.map(({ version }) => version)).toEqual(['guid-4']);
		expect(seen).toEqual([undefined, undefined, '"1-2-3"', '"1-2-3"']);
	});

	it('does not expand entities, and reads no files for a feed', async () => {
		const bomb = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>';
		serve(rss(item(1)).replace('?>', `?>${bomb}`).replace('Ein Podcast', '&c;'));
		expect(JSON.stringify(await list())).not.toContain('aaaaaaaaaa');
		serve(rss(item(1)).replace('?>', '?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>').replace('Ein Podcast', '&x;'));
		const read = await list().catch((error: unknown) => error);
		expect(JSON.stringify(read)).not.toContain('root:');
	});

	it('refuses a feed that is too large, after a part of it', async () => {
		let sent = 0;
		answer = (_request, response) => {
			response.writeHead(200);
			const more = (): void => {
				for (;;) {
					if (response.destroyed || sent > 100_000_000) return;
					sent += 1_000_000;
					if (!response.write(Buffer.alloc(1_000_000, 'x'))) break;
				}
				response.once('drain', more);
			};
			more();
		};
		await expect(list()).rejects.toMatchObject({ code: 'input_too_large' });
		expect(sent).toBeLessThan(50_000_000);
	});

	it('says what is wrong: a web page, a broken feed, no such feed, an inner address', async () => {
		serve('<!doctype html><html></html>', { 'content-type': 'text/html' });
		await expect(list()).rejects.toMatchObject({ code: 'input_unsupported', message: expect.stringContaining('web page') });
		serve('<rss version="2.0"><channel><item>');
		await expect(list()).rejects.toMatchObject({ code: 'input_unsupported' });
		answer = (_request, response) => void response.writeHead(429, { 'retry-after': '30' }).end();
		await expect(list()).rejects.toMatchObject({ code: 'input_unreachable', retryAfterSeconds: 30 });
		answer = (_request, response) => void response.writeHead(404).end();
		await expect(list()).rejects.toMatchObject({ code: 'input_not_found' });
		await expect(createListSource(sourceSettings())({ place: { type: 'rss', url: `${server.url}/feed` }, secrets: {}, cursor: null, limit: 1, signal: live() })).rejects.toMatchObject({ code: 'input_forbidden' });
	});

	it('reads the character set that the feed names', async () => {
		serve(Buffer.from(rss(item(1)).replace('UTF-8', 'ISO-8859-1').replace('Ein Podcast', 'Übung'), 'latin1'), { 'content-type': 'text/xml' });
		expect((await list()).entries[0]?.metadata).toMatchObject({ feed: 'Übung' });
	});

	it('keeps the sidecar answering while it reads a large feed', async () => {
		const many = Array.from({ length: 8000 }, (_, index) => `<item><title>t</title><guid>g${index}</guid><description>${'word '.repeat(100)}</description><enclosure url="/${index}.mp3" type="audio/mpeg" length="1"/></item>`).join('');
		serve(rss(many));
		// Turns of the event loop: reading it here would leave time for a few of them only.
		let turns = 0;
		let done = false;
		const turn = (): void => void (done || (turns++, setImmediate(turn)));
		turn();
		const feed = await readFeedApart(rss(many), live()).finally(() => (done = true));
		expect(feed.items).toHaveLength(8000);
		expect(turns).toBeGreaterThan(100);
		const { entries, hasMore } = await list(null, 3);
		expect([entries.length, hasMore]).toEqual([3, true]);
	});

	it('gives no cursor that it would not take back: a feed with too many entries is refused', async () => {
		serve(rss(Array.from({ length: 20_001 }, (_, index) => `<item><guid>${index}</guid><enclosure url="/${index}.mp3"/></item>`).join('')));
		await expect(list()).rejects.toMatchObject({ code: 'input_too_large', message: expect.stringContaining('20001') });
		serve(rss(Array.from({ length: 20_000 }, (_, index) => `<item><guid>${index}</guid><enclosure url="/${index}.mp3"/></item>`).join('')));
		const { cursor } = await list(null, 20_000);
		expect(listRequestSchema.safeParse({ source: { type: 'rss', url: 'https://pod.test/' }, cursor }).success).toBe(true);
		expect((await list(cursor, 1000)).entries).toEqual([]);
	});

	it('hands on no link that would run something', async () => {
		serve(rss(item(1).replace('<link>/episodes/1</link>', '<link>javascript:alert(1)</link>')));
		expect((await list()).entries[0]?.metadata).not.toHaveProperty('link');
	});

	it('stops reading when nobody waits any more, or when it takes too long', async () => {
		const text = rss(Array.from({ length: 5000 }, (_, index) => item(index % 10)).join(''));
		const stop = new AbortController();
		const reading = readFeedApart(text, stop.signal);
		stop.abort(new Error('the caller has gone'));
		await expect(reading).rejects.toThrow('the caller has gone');
		await expect(readFeedApart(text, live(), 1)).rejects.toMatchObject({ name: 'AbortError' });
		expect((await readFeedApart(rss(item(1)), live())).items).toHaveLength(1);
	});
});
