import type { TextEmbedder } from '../../ai/embedder.ts';
import { addUsage } from '../../ai/provider.ts';
import type { Database } from '../../db/database.ts';
import { replaceEntries, type NewEntry } from '../../db/search.ts';
import { toPipelineError } from '../../errors.ts';
import { textAbout } from './about.ts';
import { addTextVectors } from './entry-vectors.ts';

/** ISO 639-1 of what most of a text is written in; null where that cannot be told. */
export type TellLanguage = (text: string, signal: AbortSignal) => Promise<string | null>;

interface IndexMetadataDeps {
	db: Database;
	embedder: TextEmbedder;
	tellLanguage: TellLanguage;
}
type Asset = { id: string; workspaceId: string };

/** What the asset says of itself, as an entry; none where it says nothing. */
export async function metadataEntry(db: Database, asset: Asset, tellLanguage: (text: string) => Promise<string | null>): Promise<NewEntry[]> {
	const { text, language } = await textAbout(db, asset.workspaceId, asset.id);
	if (text === '') return [];
	return [{ kind: 'metadata', startSeconds: null, endSeconds: null, text, language: language ?? (await tellLanguage(text)), vectors: [] }];
}

/** Whether these entries still say what the asset says of itself. */
export async function isCurrent(db: Database, asset: Asset, entries: readonly NewEntry[]): Promise<boolean> {
	const { text } = await textAbout(db, asset.workspaceId, asset.id);
	return text === (entries.find(({ kind }) => kind === 'metadata')?.text ?? '');
}

/** Changes that go on while this one works; the last of those who make them sees all. */
const TRIES = 3;

/**
 * Makes anew what an asset is found by through its tags, title and description. Where the model cannot be asked it is found by
 * these words all the same, and `notes` say so: what was stored before must not be undone because of it.
 */
export async function indexMetadata({ db, embedder, tellLanguage }: IndexMetadataDeps, asset: Asset, signal: AbortSignal): Promise<{ usage: Record<string, number>; notes: string[] }> {
	const usages: Array<Record<string, number>> = [];
	const notes: string[] = [];
	for (let attempt = 1; attempt <= TRIES; attempt += 1) {
		let entries = await metadataEntry(db, asset, async () => null);
		try {
			entries = await metadataEntry(db, asset, (text) => tellLanguage(text, signal));
			usages.push((await addTextVectors(db, embedder, entries, signal)).usage);
		} catch (error) {
			notes.push(`The search finds this by its words only, until index_asset runs again: ${toPipelineError(error).message}`);
		}
		await replaceEntries(db, asset, entries, ['metadata']);
		if (await isCurrent(db, asset, entries)) break;
	}
	return { usage: addUsage(...usages), notes: [...new Set(notes)] };
}
