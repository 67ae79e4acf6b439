import { requiredText } from '../../shared/parameters';
import { readS3 } from './s3Credential';
import type { IngestSource } from './source';

export const s3: IngestSource = {
	name: 'S3 Object',
	value: 's3',
	description: 'A file in a bucket of AWS S3, R2, MinIO or another S3-compatible store',
	properties: [
		{ displayName: 'Bucket', name: 'bucket', type: 'string', default: '', required: true, placeholder: 'my-videos', description: 'Name of the bucket' },
		{ displayName: 'Key', name: 'objectKey', type: 'string', default: '', required: true, placeholder: '2026/interview.mp4', description: 'Key of the object, with all of its folders' },
	],
	async find({ context, itemIndex, read }) {
		const { place, secrets } = await readS3(context, itemIndex);
		const source = { type: 's3' as const, bucket: requiredText(read, 'bucket', 'Bucket'), key: requiredText(read, 'objectKey', 'Key'), ...place, ...secrets };
		return [{ operation: 'ingest', source }];
	},
};
