import type { TextEmbedder } from '../../ai/embedder.ts';
import { findAsset, lockAsset } from '../../db/assets.ts';
import type { Database, Transaction } from '../../db/database.ts';
import { recordEvents } from '../../db/events.ts';
import { addFeedback, type Correction } from '../../db/feedback.ts';
import { findJob } from '../../db/jobs.ts';
import { isAssetIndexed, rewriteEntries } from '../../db/search.ts';
import { listTags, mergeTags, plainTag, removeTag } from '../../db/tags.ts';
import { transact } from '../../db/transact.ts';
import { PipelineError } from '../../errors.ts';
import { createCorrector } from './correct-words.ts';
import { withoutLabel } from './index-frames.ts';
import { indexMetadata, type TellLanguage } from './index-metadata.ts';

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

/**
 * Stores a correction and applies what can be applied at once. Throws `not_found`, `invalid_request` for a label without asset or
 * letters, and `idempotency_conflict` where the id is that of another correction. `seen`: the database as the caller may see it; only the
 * index, which may have to be made first, is written as the sidecar itself.
 */
export type GiveFeedback = (feedback: NewFeedback, signal: AbortSignal, seen?: Database) => Promise<GivenFeedback>;

export function createGiveFeedback({ db, embedder, tellLanguage }: { db: Database; embedder: TextEmbedder; tellLanguage: TellLanguage }): GiveFeedback {
	return async ({ id, workspaceId, assetId, correction: given }, signal, seen = db) => {
		const correction = plain(given);
		await check(seen, workspaceId, assetId, correction);
		const applied = await transact(seen, async (tx) => {
			// Whatever index_asset stores is there already, and changed here, or comes after this, and heeds it.
			if (assetId) await lockAsset(tx, assetId);
			const added = await addFeedback(tx, { id, workspaceId, assetId, correction });
			if (added === 'other') throw new PipelineError('idempotency_conflict', 'The idempotency key was used before for other feedback. Use a new key for new feedback.');
			// Sent again, perhaps long after: what somebody has said in between holds.
			if (added === 'same') return ['This feedback was given before: nothing is changed.'];
			const { kind, ...data } = correction;
			await recordEvents(tx, [{ workspaceId, type: 'feedback.given', assetId, data: { feedback_id: id, kind, ...data } }]);
			return apply(tx, workspaceId, assetId, correction);
		});
		if (!assetId || correction.kind !== 'label') return { feedback_id: id, kind: correction.kind, applied, usage: {} };
		const asset = { id: assetId, workspaceId };
		// Only where the asset has been indexed: else the index will have it when it is made.
		const { usage, notes } = (await isAssetIndexed(db, asset)) ? await indexMetadata({ db, embedder, tellLanguage }, asset, signal) : { usage: {}, notes: [] };
		const tags = (await listTags(db, assetId)).map(({ tag }) => tag);
		return { feedback_id: id, kind: correction.kind, applied: [...applied, ...notes], tags, usage };
	};
}

/** A label as tags are stored: what is said of `#Parking  Meter` holds for `parking meter`. */
const plain = (correction: Correction): Correction => (correction.kind === 'label' ? { ...correction, label: plainTag(correction.label) } : correction);

async function check(db: Database, workspaceId: string, assetId: string | null, correction: Correction): Promise<void> {
	if (assetId && !(await findAsset(db, workspaceId, assetId))) throw new PipelineError('not_found', `There is no asset ${assetId} in this workspace.`);
	if (correction.kind === 'label') {
		if (!assetId) throw new PipelineError('invalid_request', 'asset_id: a label is that of an asset. Name it.', { details: { field: 'asset_id' } });
		if (correction.label === '') throw new PipelineError('invalid_request', 'label: nothing is left of it without # and blanks. Give a word.', { details: { field: 'label' } });
	}
	if (correction.kind === 'caption' && correction.job_id && (await findJob(db, workspaceId, correction.job_id))?.jobType !== 'caption')
		throw new PipelineError('not_found', `There is no caption job ${correction.job_id} in this workspace. Leave job_id out if it is not known.`, { details: { field: 'job_id' } });
}

async function apply(tx: Transaction, workspaceId: string, assetId: string | null, correction: Correction): Promise<string[]> {
	switch (correction.kind) {
		case 'label': {
			if (!assetId) return [];
			const asset = { id: assetId, workspaceId };
			if (correction.action === 'add') {
				await mergeTags(tx, asset, [{ tag: correction.label, source: 'person' }]);
				return [`The asset has the tag "${correction.label}".`];
			}
			await removeTag(tx, assetId, correction.label);
			await rewriteEntries(tx, asset, 'frame', (text) => withoutLabel(text, correction.label));
			return [`The asset no longer has the tag "${correction.label}".`];
		}
		case 'word': {
			const { wrong, right, language } = correction;
			if (wrong === right) return [`Earlier corrections of "${wrong}" no longer hold. Where they were applied, transcribe and index the asset again.`];
			const correct = createCorrector([{ wrong, right: right.normalize('NFC') }]);
			const holdsIn = (own: string | null): boolean => language === undefined || own === null || own === language;
			const rewrite = (text: string, own: string | null): string => (holdsIn(own) ? correct(text).text : text);
			const changed = assetId ? await rewriteEntries(tx, { id: assetId, workspaceId }, 'transcript', rewrite) : 0;
			const found = changed > 0 ? [`${changed} passages of this asset are found by the right word.`] : [];
			return [...found, 'Transcripts and translations made from now on use it.'];
		}
		case 'translation':
			return [`Translations into ${correction.language} made from now on use it.`];
		case 'caption':
			return [`Captions for ${correction.platform} written from now on follow its style.`];
	}
}
