import type { IExecuteFunctions, INodeCredentialDescription } from 'n8n-workflow';
import { ParameterError } from '../../shared/parameters';

/** n8n's own credential: its scope drive.readonly suffices, and users have it already. */
export const googleDriveCredential: INodeCredentialDescription = {
	name: 'googleDriveOAuth2Api',
	required: true,
	displayOptions: { show: { '/operation': ['ingest'], '/source': ['googleDrive', 'googleDriveFolder'] } },
};

export const DRIVE_FILES = 'https://www.googleapis.com/drive/v3/files';

export interface DriveFile {
	id: string;
	name: string;
	mimeType: string;
	/** Bytes, as text. Google's own documents have none. */
	size?: string;
	webViewLink?: string;
}

/** As it is stored. Make n8n renew it first, with any call. */
export async function driveToken(context: IExecuteFunctions, itemIndex: number): Promise<string> {
	const credential = await context.getCredentials<{ oauthTokenData?: { access_token?: string } }>(googleDriveCredential.name, itemIndex);
	const token = credential.oauthTokenData?.access_token;
	if (token) return token;
	throw new ParameterError('The Google Drive credential is not connected: open it and sign in with Google.');
}
