import type { NodeOperation } from '../../shared/operation';
import { fromUrl } from './fromUrl';

/** The first one is preselected. */
export const operations: readonly NodeOperation[] = [fromUrl];
