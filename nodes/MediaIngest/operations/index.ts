import type { DirectOperation, NodeOperation } from '../../shared/operation';
import { createUploadLink } from './createUploadLink';
import { deleteAsset } from './deleteAsset';
import { getAsset } from './getAsset';
import { ingest } from './ingest';
import { listAssets } from './listAssets';
import { updateAsset } from './updateAsset';

/** The first one is preselected. */
export const operations: ReadonlyArray<NodeOperation | DirectOperation> = [ingest, getAsset, listAssets, updateAsset, deleteAsset, createUploadLink];
