import type { DirectOperation } from '../../shared/operation';
import { removeAsset } from '../../shared/sidecar';
import { assetField, readAsset } from './fields';

export const deleteAsset: DirectOperation = {
	name: 'Delete Asset',
	value: 'deleteAsset',
	description: 'Delete an asset with all of its files. Posts stay where they are.',
	action: 'Delete an asset',
	properties: [assetField('The asset to delete')],
	answer: async ({ context, read }) => [await removeAsset(context, readAsset(read))],
};
