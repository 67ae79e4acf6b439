import { cleanText } from './lay-text.ts';
import { fitPost, fitsPlatform, hashtagsOf, shield, unshield, wantedLength, type CaptionResult } from './translate-captions.ts';
import type { Translation } from './translation.ts';

/** All texts of a `caption` result in another language; posts that become too long for their platform are asked for once more, then shortened. */
export async function translateCaptions(translation: Translation, result: CaptionResult): Promise<Record<string, unknown>> {
	const { captions, title, description, alt_text: altText, tags = [] } = result;
	const posts = captions.map(({ text }) => shield(text));
	const about = shield(description ?? '');
	const wanted = posts.map((post, index) => wantedLength(captions[index]?.platform ?? '', post));
	const translated = await translation.texts([...posts.map(({ text }) => text), title ?? '', about.text, altText ?? '', ...tags], wanted);
	const texts = posts.map((post, index) => unshield(translated[index] ?? '', post));
	const long = texts.flatMap((text, index) => (fitsPlatform(text, captions[index]?.platform ?? '') ? [] : [index]));
	if (long.length > 0 && translation.canShorten()) {
		const shorter = await translation.texts(
			long.map((index) => posts[index]?.text ?? ''),
			long.map((index) => Math.floor((wanted[index] ?? 0) * 0.8)),
		);
		for (const [place, index] of long.entries()) {
			const post = posts[index];
			const text = post ? unshield(shorter[place] ?? '', post) : '';
			if (text !== '' && text.length < (texts[index] ?? '').length) texts[index] = text;
		}
	}
	const [newTitle = '', newAbout = '', newAltText = '', ...newTags] = translated.slice(posts.length).map((text) => text);
	return {
		captions: captions.map(({ platform, variant }, index) => {
			const text = fitPost(texts[index] ?? '', platform);
			return { platform, variant, text, hashtags: hashtagsOf(text) };
		}),
		...(title === undefined ? {} : { title: cleanText(newTitle) }),
		...(description === undefined ? {} : { description: unshield(newAbout, about) }),
		...(altText === undefined ? {} : { alt_text: cleanText(newAltText) }),
		...(tags.length === 0 ? {} : { tags: newTags.map(cleanText) }),
	};
}
