import { parseFeed } from 'feedsmith';

/** A file that an entry of a feed brings along. */
export interface FeedFile {
	/** As the feed has it, often relative. */
	url: string;
	mime: string | null;
	bytes: number | null;
	/** Media RSS: image, audio, video. */
	medium: string | null;
	seconds: number | null;
	title: string | null;
}

/** What the formats have in common. */
export interface FeedItem {
	/** guid, atom:id; null: it has none. */
	id: string | null;
	/** What relative addresses of its files begin with, where the feed says so (xml:base). */
	base: string | null;
	title: string | null;
	link: string | null;
	description: string | null;
	author: string | null;
	at: Date | null;
	files: FeedFile[];
}

export interface Feed {
	title: string | null;
	items: FeedItem[];
}

/** Called with text: only then its types know what times are. */
const parse = (text: string) => parseFeed(text);
type Parsed = ReturnType<typeof parse>;
type FeedOf<F extends Parsed['format']> = Extract<Parsed, { format: F }>['feed'];
type RssItem = NonNullable<FeedOf<'rss'>['items']>[number];
type AtomEntry = NonNullable<FeedOf<'atom'>['entries']>[number];
type JsonItem = NonNullable<FeedOf<'json'>['items']>[number];
type Media = NonNullable<RssItem['media']>;
type Content = NonNullable<Media['contents']>[number];

const filled = (text: unknown): string | null => (typeof text === 'string' && text.trim() !== '' ? text.trim() : null);
const positive = (value: unknown): number | null => (typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : null);
const time = (value: unknown): Date | null => {
	const date = value instanceof Date ? value : new Date(typeof value === 'string' ? value : '');
	return Number.isNaN(date.getTime()) ? null : date;
};
const file = (url: unknown, of: Partial<FeedFile>): FeedFile[] => {
	const address = filled(url);
	return address === null ? [] : [{ url: address, mime: null, bytes: null, medium: null, seconds: null, title: null, ...of }];
};

/** Of several renditions of the same, the one that is marked, else the largest. */
function best(contents: Content[]): Content[] {
	const weight = ({ isDefault, height, bitrate, fileSize }: Content): number => (isDefault ? 1e15 : 0) + (height ?? 0) * 1e10 + (bitrate ?? 0) * 1e4 + (fileSize ?? 0) / 1e6;
	const [first] = [...contents].filter(({ url }) => filled(url)).sort((a, b) => weight(b) - weight(a));
	return first ? [first] : [];
}

function mediaFiles(media: Media | undefined): FeedFile[] {
	const contents = [...(media?.contents ?? []), ...(media?.groups ?? []).flatMap((group) => best(group.contents ?? []))];
	return contents.flatMap(({ url, type, fileSize, medium, duration, title }) =>
		file(url, { mime: filled(type), bytes: positive(fileSize), medium: filled(medium), seconds: positive(duration), title: filled(title?.value) }),
	);
}

function fromRss(item: RssItem): FeedItem {
	const seconds = positive(item.itunes?.duration);
	const enclosures = (item.enclosures ?? []).flatMap(({ url, type, length }) => file(url, { mime: filled(type), bytes: positive(length), seconds }));
	return {
		id: filled(item.guid?.value),
		base: filled(item.xml?.base),
		title: filled(item.title) ?? filled(item.media?.title?.value),
		link: filled(item.link),
		description: filled(item.itunes?.summary) ?? filled(item.description) ?? filled(item.media?.description?.value),
		author: filled(item.itunes?.author) ?? filled(item.authors?.[0]?.name) ?? filled(item.authors?.[0]?.email),
		at: time(item.pubDate),
		files: [...enclosures, ...mediaFiles(item.media)],
	};
}

function fromAtom(entry: AtomEntry): FeedItem {
	const links = entry.links ?? [];
	const enclosures = links.filter(({ rel }) => rel === 'enclosure').flatMap(({ href, type, length, title }) => file(href, { mime: filled(type), bytes: positive(length), title: filled(title) }));
	return {
		id: filled(entry.id),
		base: filled(entry.xml?.base),
		title: filled(entry.title?.value),
		link: filled(links.find(({ rel }) => rel === undefined || rel === 'alternate')?.href),
		description: filled(entry.summary?.value) ?? filled(entry.media?.description?.value),
		author: filled(entry.authors?.[0]?.name),
		at: time(entry.published ?? entry.updated),
		files: [...enclosures, ...file(entry.content?.src, { mime: filled(entry.content?.type) }), ...mediaFiles(entry.media)],
	};
}

const fromJson = (item: JsonItem): FeedItem => ({
	id: filled(item.id),
	base: null,
	title: filled(item.title),
	link: filled(item.url),
	description: filled(item.summary) ?? filled(item.content_text),
	author: filled(item.authors?.[0]?.name),
	at: time(item.date_published),
	files: (item.attachments ?? []).flatMap(({ url, mime_type: mime, size_in_bytes: bytes, duration_in_seconds: seconds, title }) => file(url, { mime: filled(mime), bytes: positive(bytes), seconds: positive(seconds), title: filled(title) })),
});

/** Reads RSS 0.9 to 2.0, RDF, Atom and JSON Feed, with Media RSS and what podcasts add. Entities of the document itself are not expanded. Throws for anything else. */
export function readFeed(text: string): Feed {
	const parsed = parse(text);
	switch (parsed.format) {
		case 'rss':
			return { title: filled(parsed.feed.title), items: (parsed.feed.items ?? []).map(fromRss) };
		case 'atom': {
			const base = filled(parsed.feed.xml?.base);
			return { title: filled(parsed.feed.title?.value), items: (parsed.feed.entries ?? []).map(fromAtom).map((item) => ({ ...item, base: item.base ?? base })) };
		}
		case 'json':
			return { title: filled(parsed.feed.title), items: (parsed.feed.items ?? []).map(fromJson) };
		case 'rdf':
			return {
				title: filled(parsed.feed.title),
				items: (parsed.feed.items ?? []).map((item) => ({ id: filled(item.link), base: null, title: filled(item.title), link: filled(item.link), description: filled(item.description), author: null, at: null, files: mediaFiles(item.media) })),
			};
	}
}
