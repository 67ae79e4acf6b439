import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { createS3Storage } from '../../../sidecar/src/storage/s3.ts';
import { startS3 } from '../../support/s3.ts';
import type { StorageStage } from './stage.ts';

/** The least that S3 allows: so the tests need no large files to have several. */
const PART_BYTES = 5 * 1024 ** 2;

export const s3: StorageStage = {
	name: 's3',
	can: { direct: true, multipart: true, archive: false, unfinished: true },
	async start() {
		const server = await startS3();
		return {
			async place({ pageSize }) {
				const bucket = await server.bucket();
				const options = { ...bucket, prefix: 'some/where/', pageSize, partBytes: PART_BYTES };
				const Bucket = bucket.bucket;
				return {
					storage: createS3Storage(options),
					recipe: { module: 's3.ts', create: 'createS3Storage', options: { ...options, partBytes: undefined } },
					leftovers: async () => {
						const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand({ Bucket }));
						return Uploads.map(({ Key = '' }) => Key);
					},
					leaveHalf: async (key) => {
						const Key = `some/where/${key}`;
						const { UploadId } = await server.client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
						await server.client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'half' }));
					},
				};
			},
			stop: () => server.stop(),
		};
	},
};
