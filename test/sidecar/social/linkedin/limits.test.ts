import { limitsOf } from '../../../../sidecar/src/social/linkedin/limits.ts';
import type { Post, PostMedia, Settings } from '../../../../sidecar/src/social/platform.ts';
import { findProblems } from '../../../../sidecar/src/social/validate.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageOf, postOf, videoOf } from '../support.ts';

const folder = mkdtempSync(join(tmpdir(), 'linkedin-limits-'));
const [video, picture]: [PostMedia, PostMedia] = await Promise.all([videoOf(folder, 100_000), imageOf(folder, 20_000)]);
afterAll(() => rmSync(folder, { recursive: true }));

/** Fields with problems. */
const problems = (post: Post, settings: Settings = {}) =>
	findProblems(post, limitsOf({ post, settings }), 'LinkedIn', new Date()).map(({ field }) => field);
const subtitles = (language: string) => [{ language, label: language, srt: '', vtt: '' }];

describe('the limits of LinkedIn', () => {
	it.each<[string, Post, string[]]>([
		['3001 characters', postOf('('.repeat(3001)), ['text']],
		['a link beside media', postOf('x', [picture], { link: 'https://example.com', title: 'T' }), ['link']],
		['a link without a title', postOf('x', [], { link: 'https://example.com' }), ['title']],
		['a title of words alone', postOf('x', [], { title: 'T' }), ['title']],
		['German subtitles', postOf('x', [video], { subtitles: subtitles('de') }), ['subtitles']],
		['subtitles without a video', postOf('x', [picture], { subtitles: subtitles('en') }), ['subtitles']],
		['two tracks', postOf('x', [video], { subtitles: [...subtitles('en'), ...subtitles('en-GB')] }), ['subtitles']],
		['a cover of nothing', postOf('x', [], { cover: picture }), ['cover']],
		['a WebP cover', postOf('x', [video], { cover: { ...picture, mime: 'image/webp' } }), ['cover']],
		['an alternative text of a video', postOf('x', [{ ...video, altText: 'A' }]), ['media[0].alt_text']],
		['21 pictures', postOf('x', Array.from({ length: 21 }, () => picture)), ['media']],
		['a picture with a video', postOf('x', [picture, video]), ['media']],
		['a time', postOf('x', [], { scheduledAt: new Date(Date.now() + 86_400_000) }), ['scheduled_at']],
		['a short video', postOf('x', [{ ...video, facts: { ...video.facts, durationSeconds: 2 } }]), ['media[0]']],
		['media in a comment', postOf('x', [picture], { replyTo: { remoteId: 'urn:li:share:1', rootId: 'urn:li:share:1' } }), ['media[0]']],
		['a long comment', postOf('x'.repeat(1251), [], { replyTo: { remoteId: 'urn:li:share:1', rootId: 'urn:li:share:1' } }), ['text']],
	])('refuse %s', (_, post, fields) => expect(problems(post)).toEqual(fields));

	it('let pass what fits', () => {
		const cover = picture;
		for (const post of [
			postOf('('.repeat(3000)),
			postOf('', [{ ...picture, altText: 'x'.repeat(4086) }]),
			postOf('x', Array.from({ length: 20 }, () => picture)),
			postOf('x', [video], { title: 'T', cover, subtitles: subtitles('en-US'), visibility: 'private' }),
			postOf('x', [], { link: 'https://example.com', title: 'T', cover }),
		]) {
			expect(problems(post)).toEqual([]);
		}
	});

	it('know that a page has no connections', () => {
		expect(problems(postOf('x', [], { visibility: 'private' }), { organization: 'urn:li:organization:2414183' })).toEqual(['visibility']);
	});
});
