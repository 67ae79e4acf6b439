import { randomUUID } from 'node:crypto';
import type { BatchItem, Source } from '../contract/requests.ts';
import { splitSource, type Dedupe, type Place } from '../contract/sources.ts';
import type { AssetDetails } from '../contract/assets.ts';
import { findAsset, insertAssets, updateAsset, type AssetRow, type NewAsset } from '../db/assets.ts';
import { recordEvents } from '../db/events.ts';
import type { Transaction } from '../db/database.ts';
import { INGEST, type NewJob } from '../db/jobs.ts';
import { mergeTags } from '../db/tags.ts';
import { PipelineError } from '../errors.ts';
import type { Vault } from '../secrets.ts';

/** What a request wants of an ingest. */
export interface IngestWishes {
	dedupe?: Dedupe | undefined;
	scan?: boolean | undefined;
}

export interface MadeAsset {
	asset: NewAsset;
	ingest: NewJob;
	/** Said by people. */
	tags: string[];
}

/** The media an item works on: an asset that exists, or one that this request makes. */
export interface MediaReference {
	asset: NewAsset | AssetRow;
	/** The job that brings its bytes; null when they are there. */
	ingestJobId: string | null;
	/** Rows to insert, where this reference makes the asset. */
	made: MadeAsset | null;
	/** Row to insert, where the source becomes the next version of the asset. */
	version?: NewJob;
}

/** Finds or plans the assets of one request; the same source named twice is one asset. */
export class MediaReferences {
	readonly #made = new Map<string, MediaReference>();
	readonly #tx: Transaction;
	readonly #vault: Vault;
	readonly #workspaceId: string;
	readonly #priority: number;

	constructor(tx: Transaction, vault: Vault, workspaceId: string, priority: number) {
		this.#tx = tx;
		this.#vault = vault;
		this.#workspaceId = workspaceId;
		this.#priority = priority;
	}

	/** `field` names the item in error messages, e.g. `items.2`. Null: the item names no media. */
	async resolve(item: Pick<BatchItem, 'asset_id' | 'file_url' | 'source' | 'metadata' | 'details' | 'dedupe' | 'scan'>, field: string): Promise<MediaReference | null> {
		const source: Source | undefined = item.source ?? (item.file_url ? { type: 'url', url: item.file_url } : undefined);
		if (item.asset_id !== undefined) {
			const asset = await findAsset(this.#tx, this.#workspaceId, item.asset_id);
			if (!asset) {
				throw new PipelineError('not_found', `${field}.asset_id: there is no asset ${item.asset_id} in this workspace.`, { details: { field: `${field}.asset_id` } });
			}
			if (asset.status === 'uploading') {
				throw new PipelineError('conflict', `${field}.asset_id: the asset is still waiting for its upload. PUT the file to its upload URL first.`);
			}
			if (item.details) await this.#describe(asset, item.details);
			if (item.dedupe === 'version') return this.#nextVersion(asset, source, field, item.scan);
			return { asset, ingestJobId: asset.facts ? null : asset.ingestJobId, made: null };
		}
		if (item.dedupe === 'version') throw new PipelineError('invalid_request', `${field}.asset_id: give the asset whose next version the bytes shall be.`, { details: { field: `${field}.asset_id` } });
		return source ? this.create(source, item.metadata ?? {}, { details: item.details, dedupe: item.dedupe, scan: item.scan }) : null;
	}

	/** As PATCH /api/media/assets/:id does; tags are added to those it has. */
	async #describe(asset: AssetRow, details: AssetDetails): Promise<void> {
		await updateAsset(this.#tx, asset.id, columnsOfDetails(details));
		await mergeTags(this.#tx, asset, (details.tags ?? []).map((tag) => ({ tag, source: 'person' as const })));
		await recordEvents(this.#tx, [{ workspaceId: asset.workspaceId, type: 'asset.updated', assetId: asset.id, data: { fields: Object.keys(details) } }]);
	}

	#nextVersion(asset: AssetRow, source: Source | undefined, field: string, scan: boolean | undefined): MediaReference {
		if (!source) throw new PipelineError('invalid_request', `${field}.source: give the source (or file_url) of the new version.`, { details: { field: `${field}.source` } });
		if (!asset.facts) throw new PipelineError('conflict', `${field}.asset_id: the first version of this asset is not stored yet.`, { details: { field: `${field}.asset_id` } });
		const version = ingestJob(this.#vault, { id: asset.id, workspaceId: asset.workspaceId, ingestJobId: null }, source, this.#priority, { dedupe: 'version', scan });
		return { asset, ingestJobId: version.id, made: null, version };
	}

	create(source: Source, metadata: Record<string, unknown>, { details, ...wanted }: IngestWishes & { details?: AssetDetails | undefined } = {}, change: Partial<NewAsset> = {}): MediaReference {
		const key = JSON.stringify([source, wanted.dedupe]);
		const earlier = this.#made.get(key);
		if (earlier) {
			// It is looked into when one of those who name it wants that.
			if (wanted.scan && earlier.made) earlier.made.ingest.params = { ...earlier.made.ingest.params, scan: true };
			return earlier;
		}
		const ingestJobId = randomUUID();
		const asset: NewAsset = {
			id: randomUUID(),
			workspaceId: this.#workspaceId,
			source: source.type,
			...whereFrom(splitSource(source).place),
			status: 'queued',
			ingestJobId,
			metadata,
			...columnsOfDetails(details ?? {}),
			...change,
		};
		const made = { asset, ingest: ingestJob(this.#vault, asset, source, this.#priority, wanted), tags: details?.tags ?? [] };
		const reference: MediaReference = { asset, ingestJobId, made };
		this.#made.set(key, reference);
		return reference;
	}

	get made(): MadeAsset[] {
		return [...this.#made.values()].flatMap(({ made }) => (made ? [made] : []));
	}
}

/** Stores assets that a request makes, with their tags. */
export async function insertMade(tx: Transaction, made: MadeAsset[]): Promise<AssetRow[]> {
	const rows = await insertAssets(tx, made.map(({ asset }) => asset));
	for (const { asset, tags } of made) if (tags.length > 0) await mergeTags(tx, asset, tags.map((tag) => ({ tag, source: 'person' as const })));
	return rows;
}

/** What is left out stays as it is; empty text is none. */
export function columnsOfDetails({ title, description, language, owner }: AssetDetails): Partial<NewAsset> {
	return {
		...(title !== undefined ? { title: title || null } : {}),
		...(description !== undefined ? { description: description || null } : {}),
		...(language !== undefined ? { language } : {}),
		...(owner !== undefined ? { owner: owner || null } : {}),
	};
}

/** The job that fetches the bytes of `asset`. The tokens, if any, are kept apart from the source: they are erased first. */
export function ingestJob(vault: Vault, asset: Pick<NewAsset, 'id' | 'workspaceId' | 'ingestJobId'>, source: Source | { type: 'upload' }, priority: number, { dedupe, scan }: IngestWishes = {}): NewJob {
	const { place, secrets } = source.type === 'upload' ? { place: source, secrets: {} } : splitSource(source);
	const hasSecrets = Object.keys(secrets).length > 0;
	return {
		id: asset.ingestJobId ?? randomUUID(),
		workspaceId: asset.workspaceId,
		assetId: asset.id,
		jobType: INGEST,
		status: 'pending',
		params: { ...(dedupe ? { dedupe } : {}), ...(scan ? { scan } : {}) },
		source: vault.seal(JSON.stringify(place)),
		secret: hasSecrets ? vault.seal(JSON.stringify(secrets)) : null,
		needsSecret: hasSecrets,
		priority,
	};
}

/** What people are shown of a place, and find an asset by. */
function whereFrom(place: Place): Pick<NewAsset, 'sourceId' | 'originalUrl'> {
	const originalUrl = 'url' in place && place.url !== undefined ? withoutSecrets(place.url) : null;
	const sourceId = place.type === 'google_drive' ? place.file_id : place.type === 's3' ? `${place.bucket}/${place.key}` : 'path' in place ? (place.path ?? null) : null;
	return { sourceId, originalUrl };
}

/** Only what can be shown: queries of links are often their keys. */
function withoutSecrets(url: string): string {
	const { origin, pathname } = new URL(url);
	return `${origin}${pathname}`;
}
