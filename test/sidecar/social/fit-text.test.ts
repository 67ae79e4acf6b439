import fc from 'fast-check';
import { fitText, leaveOut, splitThread } from '../../../sidecar/src/social/fit-text.ts';
import type { Limits, PostMedia } from '../../../sidecar/src/social/platform.ts';
import { weightedLength } from '../../../sidecar/src/social/text.ts';
import { postOf } from './support.ts';

const limits = (change: Partial<Limits> = {}): Limits => ({
	text: { max: 40, unit: 'characters', count: ({ text }) => [...text].length },
	maxAltText: 10,
	media: {},
	options: { visibility: [], sensitive: false, spoilerText: false, scheduleLeadSeconds: null, replies: 'thread' },
	...change,
});
const described: PostMedia = { path: '', mime: 'image/png', bytes: 1, facts: {} as PostMedia['facts'], sha256: '', altText: 'A cup of green tea', url: null };
const LONG = 'Green tea is picked in spring. It is steamed at once.\n\nThen it is rolled and dried.';
const room = { limit: 40, measure: (text: string) => [...text].length };

describe('fitText', () => {
	it('leaves a post that fits as it is', () => {
		const post = postOf('Short');
		expect(fitText(post, limits(), 'thread')).toEqual({ post, thread: [], changes: [] });
	});

	it('shortens at a word, and says so', () => {
		const { post, thread, changes } = fitText(postOf(LONG), limits(), 'shorten');
		expect(post.text).toBe('Green tea is picked in spring. It is…');
		expect(thread).toEqual([]);
		expect(changes).toEqual(['The text was shortened to 37 characters.']);
	});

	it('makes a thread between sentences, with numbers', () => {
		const { post, thread, changes } = fitText(postOf(LONG), limits(), 'thread');
		expect([post.text, ...thread]).toEqual(['Green tea is picked in spring. (1/3)', 'It is steamed at once. (2/3)', 'Then it is rolled and dried. (3/3)']);
		expect(changes).toEqual(['The text became a thread of 3 posts.']);
	});

	it('shortens where the platform has no threads', () => {
		const { thread, changes } = fitText(postOf(LONG), limits({ options: { ...limits().options, replies: 'comments' } }), 'thread');
		expect([thread, changes]).toEqual([[], ['The text was shortened to 37 characters.']]);
	});

	it('shortens a title and an alternative text', () => {
		const title = { max: 10, unit: 'characters', count: (text: string) => text.length, required: false };
		expect(fitText(postOf('Text', [], { title: 'A title of many words' }), limits({ title }), 'shorten').post.title).toBe('A title…');
		expect(fitText(postOf('T', [described]), limits(), 'shorten').post.media[0]?.altText).toBe('A cup of…');
	});
});

describe('leaveOut', () => {
	const full = postOf('Text', [described], { title: 'Title', tags: ['tea'], cover: described, coverSeconds: 2, subtitles: [{ language: 'en', label: 'English', srt: '', vtt: '' }], link: 'https://example.com', sensitive: true, spoilerText: 'cw' });

	it('takes out what the platform has no place for, and says so', () => {
		const { post, changes } = leaveOut(full, limits({ maxAltText: 0 }));
		expect(post).toEqual({ ...full, title: null, tags: [], cover: null, coverSeconds: null, subtitles: [], media: [{ ...described, altText: null }] });
		expect(changes.map((change) => change.split(' left out')[0])).toEqual(['The alternative text was', 'The title was', 'The tags were', 'The cover was', 'The moment of the cover was', 'The subtitles were']);
	});

	it('takes out nothing that the platform has, and nothing that changes what the post means', () => {
		const options = { ...limits().options, tags: true, cover: true, coverSeconds: true, subtitles: 1 };
		const title = { max: 10, unit: 'characters', count: (text: string) => text.length, required: false };
		expect(leaveOut(full, limits({ title, options }))).toEqual({ post: full, changes: [] });
		expect(leaveOut(full, limits()).post).toMatchObject({ link: 'https://example.com', sensitive: true, spoilerText: 'cw' });
	});
});

describe('splitThread', () => {
	const words = (parts: string[]): string => parts.map((part) => part.replace(/ \(\d+\/\d+\)$/, '')).join('').replace(/\s+/g, '');

	it('loses nothing, and every part fits', () => {
		fc.assert(
			fc.property(fc.array(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 25 }).filter((word) => /^[a-z.!?]+$/i.test(word)), { minLength: 20, maxLength: 120 }), (list) => {
				const text = list.join(' ');
				const parts = splitThread(text, room);
				for (const part of parts) expect(room.measure(part)).toBeLessThanOrEqual(room.limit);
				expect(words(parts)).toBe(list.join(''));
			}),
			{ numRuns: 100 },
		);
	});

	it('cuts only a word that is longer than a whole part, and counts as the platform does', () => {
		const measure = weightedLength;
		const parts = splitThread('茶'.repeat(400), { limit: 280, measure });
		expect(parts.length).toBeGreaterThan(2);
		for (const part of parts) expect(measure(part)).toBeLessThanOrEqual(280);
		expect(words(parts)).toBe('茶'.repeat(400));
	});

	it('numbers more than nine parts with room for two digits', () => {
		const parts = splitThread('word '.repeat(120), room);
		expect(parts.length).toBeGreaterThan(9);
		expect(parts.at(-1)).toMatch(new RegExp(`\\(${parts.length}/${parts.length}\\)$`));
		for (const part of parts) expect(room.measure(part)).toBeLessThanOrEqual(40);
	});

	it('looks seldom at a word without end: counting may be slow', () => {
		let looks = 0;
		const parts = splitThread('a.'.repeat(3600), { limit: 280, measure: (text) => ((looks += 1), text.length) });
		expect(words(parts)).toBe('a.'.repeat(3600));
		for (const part of parts) expect(part.length).toBeLessThanOrEqual(280);
		expect(looks).toBeLessThan(7200 / 4);
	});
});

describe('a text far too long', () => {
	it('is not made a thread of more posts than anybody reads', () => {
		const post = postOf('word '.repeat(20_000));
		expect(fitText(post, limits(), 'thread')).toEqual({ post, thread: [], changes: [] });
	});

	it('is shortened at once, also when it is nearly all blanks', () => {
		for (const text of [`${' '.repeat(99_999)}a`, `a${'\n'.repeat(99_999)}`]) expect(fitText(postOf(text), limits(), 'shorten').post.text).toBe('a');
		expect(fitText(postOf(`${'\n'.repeat(50_000)}${LONG}${' '.repeat(50_000)}`), limits(), 'shorten').post.text).toBe('Green tea is picked in spring. It is…');
	});
});
