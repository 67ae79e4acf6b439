import { distinct } from './distinct.ts';
import { foreignParts, withoutForeignParts } from './foreign-parts.ts';
import { cleanText } from './lay-text.ts';
import { shorten, type Limited } from '../../social/shorten.ts';
import { fittingTags, PLATFORM_TEXTS } from './platform-texts.ts';
import { cleanLines, fitPost, fitsPlatform, hashtagsOf, platformOf, shield, unshield, wantedLength, type CaptionResult, type Shielded } from './translate-captions.ts';
import { orNothing, type Translation } from './translation.ts';

/** Title, tags and alt text are for every platform: the smallest limits of those that have them, as in caption-answer.ts. */
const { title: TITLE, tags: TAGS } = PLATFORM_TEXTS.youtube;
const { altText: ALT_TEXT } = PLATFORM_TEXTS.pinterest;

/** All texts of a `caption` result in another language; posts that become too long for their platform are asked for once more, then shortened. */
export async function translateCaptions(translation: Translation, result: CaptionResult): Promise<Record<string, unknown>> {
	const { captions, title, description, alt_text: altText, tags = [] } = result;
	const posts = captions.map(({ text }) => shield(text));
	const about = shield(description ?? '');
	const wanted = posts.map((post, index) => wantedLength(captions[index]?.platform ?? '', post));
	const room = [...wanted, title === undefined ? null : TITLE.limit, null, altText === undefined ? null : ALT_TEXT.limit, ...tags.map(() => null)];
	const translated = await translation.texts([...posts.map(({ text }) => text), title ?? '', about.text, altText ?? '', ...tags], room);
	const originals = captions.map(({ text }) => text);
	const texts = posts.map((post, index) => whole(translated[index] ?? '', post, originals[index] ?? ''));
	const long = texts.flatMap((text, index) => (fitsPlatform(text, captions[index]?.platform ?? '') ? [] : [index]));
	if (long.length > 0 && translation.canShorten()) {
		const again = translation.texts(
			long.map((index) => posts[index]?.text ?? ''),
			long.map((index) => Math.floor((wanted[index] ?? 0) * 0.8)),
		);
		const shorter = await again.catch(orNothing);
		for (const [place, index] of long.entries()) {
			const post = posts[index];
			const text = post && shorter[place] ? whole(shorter[place], post, originals[index] ?? '') : '';
			if (text !== '' && text.length < (texts[index] ?? '').length) texts[index] = text;
		}
	}
	const [newTitle = '', newAbout = '', newAltText = '', ...newTags] = translated.slice(posts.length);
	const plain = (text: string, original: string, limited: Limited): string => shorten(withoutNewLinks(cleanText(text), original) || cleanText(original), limited);
	const common = {
		...(title === undefined ? {} : { title: plain(newTitle, title, TITLE) }),
		...(altText === undefined ? {} : { alt_text: plain(newAltText, altText, ALT_TEXT) }),
		...(tags.length === 0 ? {} : { tags: tagsOf(newTags, tags) }),
	};
	return {
		captions: captions.map(({ platform, variant }, index) => {
			const target = platformOf(platform);
			const usable = (text: string): string => (target?.refused ? text.replace(target.refused, '') : text);
			const text = fitPost(usable(texts[index] ?? ''), platform);
			return {
				platform,
				variant,
				text,
				hashtags: hashtagsOf(text),
				...(target ? { length: target.measure(text), limit: target.limit } : {}),
				...(target?.title && common.title !== undefined ? { title: shorten(usable(common.title), target.title) } : {}),
				...(target?.tags && common.tags ? { tags: fittingTags(common.tags, target.tags) } : {}),
				...(target?.altText && common.alt_text !== undefined ? { alt_text: shorten(common.alt_text, target.altText) } : {}),
			};
		}),
		...common,
		...(description === undefined ? {} : { description: whole(newAbout, about, description) }),
	};
}

/** A post with what was kept out of the translation. One of which nothing came stays as it was. */
function whole(translated: string, post: Shielded, original: string): string {
	const clean = withoutNewLinks(cleanLines(translated), original);
	return post.text.trim() !== '' && clean.trim() === '' ? original : unshield(clean, post);
}

/** What a translator adds of links and mentions, nobody wanted: a text may have asked it to. */
const withoutNewLinks = (text: string, original: string): string => (foreignParts(text, original).length > 0 ? withoutForeignParts(text, original) : text);

/** As many as fit, none twice. Commas would part one in two, and the rest is not taken. */
function tagsOf(translated: readonly string[], originals: readonly string[]): string[] {
	const plain = translated.map((tag, index) => cleanText(withoutNewLinks(tag, originals[index] ?? '').replace(/[,<>#]/g, ' ')) || cleanText(originals[index] ?? ''));
	return fittingTags(distinct(plain), TAGS);
}
