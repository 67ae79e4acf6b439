import type { TextEmbedder } from '../../ai/embedder.ts';
import { findAsset } from '../../db/assets.ts';
import type { Database, Transaction } from '../../db/database.ts';
import { recordEvents } from '../../db/events.ts';
import { addFeedback, type Correction, type WordCorrection } from '../../db/feedback.ts';
import { isAssetIndexed, replaceEntries, rewriteEntries } from '../../db/search.ts';
import { listTags, mergeTags, removeTag } from '../../db/tags.ts';
import { transact } from '../../db/transact.ts';
import { PipelineError } from '../../errors.ts';
import { addTextVectors } from './entry-vectors.ts';
import { metadataEntry, type TellLanguage } from './index-asset.ts';

export interface NewFeedback {
	/** A UUID; given again, nothing is added. */
	id: string;
	workspaceId: string;
	assetId: string | null;
	correction: Correction;
}

export interface GivenFeedback {
	feedback_id: string;
	kind: Correction['kind'];
	/** Sentences: what changed at once, and what will. */
	applied: string[];
	/** Of the asset, after a label. */
	tags?: string[];
	/** What the model for the search took. */
	usage: Record<string, number>;
}

/** Stores a correction and applies what can be applied at once. Throws `not_found`, and `invalid_request` for a label without asset. */
export type GiveFeedback = (feedback: NewFeedback, signal: AbortSignal) => Promise<GivenFeedback>;

export function createGiveFeedback({ db, embedder, tellLanguage }: { db: Database; embedder: TextEmbedder; tellLanguage: TellLanguage }): GiveFeedback {
	/** Only where the asset has been indexed: else the index will have it when it is made. */
	const indexMetadataAnew = async (asset: { id: string; workspaceId: string }, signal: AbortSignal): Promise<Record<string, number>> => {
		if (!(await isAssetIndexed(db, asset))) return {};
		const entries = await metadataEntry(db, asset, (text) => tellLanguage(text, signal));
		const { usage } = await addTextVectors(db, embedder, entries, signal);
		await replaceEntries(db, asset, entries, ['metadata']);
		return usage;
	};

	return async ({ id, workspaceId, assetId, correction }, signal) => {
		if (assetId && !(await findAsset(db, workspaceId, assetId))) throw new PipelineError('not_found', `There is no asset ${assetId} in this workspace.`);
		if (!assetId && correction.kind === 'label') throw new PipelineError('invalid_request', 'asset_id: a label is that of an asset. Name it.', { details: { field: 'asset_id' } });
		const applied = await transact(db, async (tx) => {
			const added = await addFeedback(tx, { id, workspaceId, assetId, correction });
			// Sent again, perhaps long after: what somebody has said in between holds.
			if (!added) return ['This feedback was given before: nothing is changed.'];
			const { kind, ...data } = correction;
			await recordEvents(tx, [{ workspaceId, type: 'feedback.given', assetId, data: { feedback_id: id, kind, ...data } }]);
			return apply(tx, workspaceId, assetId, correction);
		});
		const usage = assetId && correction.kind === 'label' ? await indexMetadataAnew({ id: assetId, workspaceId }, signal) : {};
		const tags = assetId && correction.kind === 'label' ? { tags: (await listTags(db, assetId)).map(({ tag }) => tag) } : {};
		return { feedback_id: id, kind: correction.kind, applied, ...tags, usage };
	};
}

async function apply(tx: Transaction, workspaceId: string, assetId: string | null, correction: Correction): Promise<string[]> {
	switch (correction.kind) {
		case 'label': {
			if (!assetId) return [];
			if (correction.action === 'add') await mergeTags(tx, { id: assetId, workspaceId }, [{ tag: correction.label, source: 'person' }]);
			else await removeTag(tx, assetId, correction.label);
			return [correction.action === 'add' ? `The asset has the tag "${correction.label}".` : `The asset no longer has the tag "${correction.label}".`];
		}
		case 'word': {
			const changed = assetId ? await rewriteEntries(tx, { id: assetId, workspaceId }, 'transcript', (text) => corrected(text, correction)) : 0;
			const found = changed > 0 ? [`${changed} passages of this asset are found by the right word.`] : [];
			return [...found, 'Transcripts and translations made from now on use it.'];
		}
		case 'translation':
			return [`Translations into ${correction.language} made from now on use it.`];
		case 'caption':
			return [`Captions for ${correction.platform} written from now on follow its style.`];
	}
}

/** Whole words, in any case. */
export function corrected(text: string, { wrong, right }: Pick<WordCorrection, 'wrong' | 'right'>): string {
	const pattern = wrong.normalize('NFC').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
	return text.replace(new RegExp(`(?<![\\p{L}\\p{N}\\p{M}])${pattern}(?![\\p{L}\\p{N}\\p{M}])`, 'giu'), () => right.normalize('NFC'));
}
