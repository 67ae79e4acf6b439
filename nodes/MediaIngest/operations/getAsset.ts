import type { DirectOperation } from '../../shared/operation';
import { readAssetById } from '../../shared/sidecar';
import { assetField, readAsset } from './fields';

export const getAsset: DirectOperation = {
	name: 'Get Asset',
	value: 'getAsset',
	description: 'Read an asset: what it is, fresh links to its files, its tags and cost',
	action: 'Get an asset',
	properties: [assetField('The asset to read')],
	answer: async ({ context, read }) => [await readAssetById(context, readAsset(read))],
};
