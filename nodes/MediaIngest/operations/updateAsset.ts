import type { DirectOperation } from '../../shared/operation';
import { optionalObject, ParameterError } from '../../shared/parameters';
import { optionsField } from '../../shared/properties';
import { changeAsset } from '../../shared/sidecar';
import { assetField, detailFields, readAsset, readDetailsToChange } from './fields';

export const updateAsset: DirectOperation = {
	name: 'Update Asset',
	value: 'updateAsset',
	description: 'Change title, description, tags or metadata of an asset. A field that is added and left empty is taken back.',
	action: 'Update an asset',
	properties: [assetField('The asset to change'), optionsField(detailFields, { displayName: 'Fields to Change', name: 'fields', placeholder: 'Add Field' })],
	async answer({ context, read }) {
		const metadata = optionalObject(read, 'fields.metadata', 'Metadata');
		const change = { ...readDetailsToChange(read, 'fields'), ...(metadata ? { metadata } : {}) };
		if (Object.keys(change).length === 0) throw new ParameterError('There is nothing to change. Add a field below "Fields to Change".');
		return [await changeAsset(context, readAsset(read), change)];
	},
};
