import type { DirectOperation } from '../../shared/operation';
import { optionalObject, ParameterError, withoutEmpty } from '../../shared/parameters';
import { optionsField } from '../../shared/properties';
import { changeAsset } from '../../shared/sidecar';
import { assetField, detailFields, readAsset, readDetails } from './fields';

export const updateAsset: DirectOperation = {
	name: 'Update Asset',
	value: 'updateAsset',
	description: 'Change title, description, tags or metadata of an asset',
	action: 'Update an asset',
	properties: [assetField('The asset to change'), optionsField(detailFields, { displayName: 'Fields to Change', name: 'fields', placeholder: 'Add Field' })],
	async answer({ context, read }) {
		const change = withoutEmpty({ ...readDetails(read, 'fields'), metadata: optionalObject(read, 'fields.metadata', 'Metadata') });
		if (Object.keys(change).length === 0) throw new ParameterError('There is nothing to change. Add a field below "Fields to Change".');
		return [await changeAsset(context, readAsset(read), change)];
	},
};
