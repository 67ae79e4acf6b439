import { findAsset } from '../../db/assets.ts';
import type { Executor } from '../../db/database.ts';
import { latestCompleted } from '../../db/jobs.ts';
import { searchText } from '../../db/search-query.ts';
import { listTags } from '../../db/tags.ts';
import { distinct } from './distinct.ts';

/** Texts of the metadata that are worth finding; more is no description any more. */
const MOST_TEXT = 4000;
const MOST_TAGS = 50;
/** Links, ids and keys are not what anybody looks for by words. Sixty letters without a blank are a sentence in Japanese, and none in ASCII. */
const NO_WORDS = /^(?:https?:\/\/\S+|[!-~]{60,}|[0-9a-f-]{32,})$/i;
/** Sizes, times and counts in the metadata; a title may be "1984". */
const NUMBERS = /^[\d\s.:TZ+-]+$/i;

/** What an asset says of itself, as one text: title, description, tags, file name, what its metadata and its caption tell. Empty: nothing. */
export async function textAbout(db: Executor, workspaceId: string, assetId: string): Promise<{ text: string; language: string | null }> {
	const asset = await findAsset(db, workspaceId, assetId);
	if (!asset) return { text: '', language: null };
	const { file_name: fileName, title, description, ...others } = asset.metadata;
	const caption = (await latestCompleted(db, assetId, 'caption'))?.output ?? {};
	const tags = (await listTags(db, assetId)).slice(0, MOST_TAGS).map(({ tag }) => tag);
	const sentences = [
		...texts(asset.title),
		...texts(asset.description),
		...texts(title),
		...texts(description),
		...texts(caption['title']),
		...texts(caption['description']),
		...texts(caption['alt_text']),
		tags.join(', '),
		...texts(caption['tags']),
		...texts(fileName).map(wordsOfFileName),
		...texts(others).filter((text) => !NUMBERS.test(text.trim())),
	];
	const language = asset.language?.split('-')[0] ?? caption['language'];
	return { text: joined(sentences), language: typeof language === 'string' && /^[a-z]{2}$/.test(language) ? language : null };
}

/** Every text in a value, however deep. */
function texts(value: unknown, depth = 0): string[] {
	if (typeof value === 'string') return NO_WORDS.test(value.trim()) ? [] : [value];
	if (typeof value !== 'object' || value === null || depth > 3) return [];
	return Object.values(value).flatMap((one) => texts(one, depth + 1));
}

/** `IMG_2031-green tea.final.mp4` → `IMG 2031 green tea final` */
const wordsOfFileName = (name: string): string => name.replace(/\.[a-z0-9]{1,5}$/i, '').replace(/[_.\-–]+/g, ' ');

/** Each once, as sentences. */
function joined(sentences: readonly string[]): string {
	const plain = sentences.map(searchText);
	const whole = distinct(plain).map((text) => (/[.!?…。]$/u.test(text) ? text : `${text}.`)).join(' ');
	return [...whole].slice(0, MOST_TEXT).join('');
}
