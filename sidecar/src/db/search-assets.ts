import { and, desc, eq, inArray, like } from 'drizzle-orm';
import type { AssetRow } from './assets.ts';
import type { Executor } from './database.ts';
import { assets, assetTags, files } from './schema.ts';

export interface FoundAsset {
	asset: AssetRow;
	/** Storage key of its newest picture. */
	pictureKey: string | null;
	/** Those of people first, then the most certain. */
	tags: string[];
}

/** What is shown of assets that were found; of this workspace only. */
export async function readFound(db: Executor, workspaceId: string, ids: readonly string[]): Promise<Map<string, FoundAsset>> {
	if (ids.length === 0) return new Map();
	const rows = await db.select().from(assets).where(and(eq(assets.workspaceId, workspaceId), inArray(assets.id, [...ids])));
	const pictures = await db
		.selectDistinctOn([files.assetId], { assetId: files.assetId, key: files.storageKey })
		.from(files)
		.where(and(inArray(files.assetId, [...ids]), eq(files.part, false), like(files.mime, 'image/%')))
		.orderBy(files.assetId, desc(files.createdAt), files.position);
	const tags = await db
		.select({ assetId: assetTags.assetId, tag: assetTags.tag, source: assetTags.source })
		.from(assetTags)
		.where(inArray(assetTags.assetId, [...ids]))
		.orderBy(desc(assetTags.score), assetTags.tag);
	const found = rows.map((asset): [string, FoundAsset] => {
		const own = tags.filter(({ assetId }) => assetId === asset.id);
		const ofPeople = own.filter(({ source }) => source === 'person');
		return [
			asset.id,
			{
				asset,
				pictureKey: pictures.find(({ assetId }) => assetId === asset.id)?.key ?? null,
				tags: [...ofPeople, ...own.filter(({ source }) => source !== 'person')].map(({ tag }) => tag),
			},
		];
	});
	return new Map(found);
}
