import { optionalText, requiredText } from '../../shared/parameters';
import { findListed, listProperties } from './list';
import { readS3 } from './s3Credential';
import type { IngestSource } from './source';

export const s3Prefix: IngestSource = {
	name: 'S3 Folder',
	value: 's3Prefix',
	description: 'Every object of a bucket whose key begins alike',
	isList: true,
	properties: [
		{ displayName: 'Bucket', name: 'bucket', type: 'string', default: '', required: true, placeholder: 'my-videos', description: 'Name of the bucket' },
		{ displayName: 'Prefix', name: 'prefix', type: 'string', default: '', placeholder: '2026/', description: 'What the keys begin with. Empty: the whole bucket.' },
		...listProperties,
	],
	async find(input) {
		const { context, itemIndex, read } = input;
		const { place, secrets } = await readS3(context, itemIndex);
		const bucket = requiredText(read, 'bucket', 'Bucket');
		const prefix = optionalText(read, 'prefix') ?? '';
		return await findListed(input, { key: `s3 ${bucket} ${prefix}`, source: { type: 's3_prefix', bucket, prefix, ...place, ...secrets }, secrets });
	},
};
