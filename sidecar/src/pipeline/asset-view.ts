import type { AssetView } from '../contract/views.ts';
import type { AssetRow } from '../db/assets.ts';
import type { Executor } from '../db/database.ts';
import { filesOfAsset } from '../db/jobs.ts';
import { listTags } from '../db/tags.ts';
import { costOfAsset } from '../db/usage.ts';
import { assetView, type FileUrl } from './views.ts';

/** An asset as users see it, with all that hangs on it. */
export async function readAssetView(db: Executor, asset: AssetRow, fileUrl: FileUrl): Promise<AssetView> {
	const files = await filesOfAsset(db, asset.id);
	return assetView(asset, files, fileUrl, { cost: await costOfAsset(db, asset.id), tags: await listTags(db, asset.id) });
}
