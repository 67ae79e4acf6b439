import type { IExecuteFunctions, INodeCredentialDescription } from 'n8n-workflow';
import { ParameterError, withoutEmpty } from '../../shared/parameters';

/** n8n's own, for AWS and everything that speaks the same. */
export const s3Credential: INodeCredentialDescription = {
	name: 's3',
	required: true,
	displayOptions: { show: { '/operation': ['ingest'], '/source': ['s3', 's3Prefix'] } },
};

interface S3Credential {
	endpoint?: string;
	region?: string;
	accessKeyId?: string;
	secretAccessKey?: string;
}

/** Where the bucket is, and the keys to it. An endpoint of AWS is left out: the sidecar finds the one of the region. */
export async function readS3(context: IExecuteFunctions, itemIndex: number) {
	const { endpoint, region, accessKeyId, secretAccessKey } = await context.getCredentials<S3Credential>(s3Credential.name, itemIndex);
	if (!accessKeyId || !secretAccessKey) throw new ParameterError('The S3 credential has no access key: open it and fill in both parts of the key.');
	const isAws = endpoint !== undefined && /^https?:\/\/s3[.-][\w.-]*amazonaws\.com/i.test(endpoint);
	return {
		place: withoutEmpty({ endpoint: isAws ? undefined : endpoint?.trim(), region }),
		secrets: { access_key_id: accessKeyId, secret_access_key: secretAccessKey },
	};
}
