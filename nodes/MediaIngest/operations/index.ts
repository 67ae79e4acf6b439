import type { NodeOperation } from '../../shared/operation';
import { existingAsset } from './existingAsset';
import { fromBinary } from './fromBinary';
import { fromGoogleDrive } from './fromGoogleDrive';
import { fromUrl } from './fromUrl';

/** The first one is preselected. */
export const operations: readonly NodeOperation[] = [fromUrl, fromBinary, fromGoogleDrive, existingAsset];
