import type { IExecuteFunctions, INodeCredentialDescription } from 'n8n-workflow';
import { freshToken } from '../../shared/freshToken';

/** n8n's own. */
export const dropboxCredential: INodeCredentialDescription = {
	name: 'dropboxOAuth2Api',
	required: true,
	displayOptions: { show: { '/operation': ['ingest'], '/source': ['dropbox', 'dropboxFolder'] } },
};

const DROPBOX = { name: 'Dropbox', value: 'dropbox', credentials: [dropboxCredential.name] };

/** A call that n8n renews the token for when it has expired. */
export const dropboxToken = (context: IExecuteFunctions, itemIndex: number): Promise<string> =>
	freshToken(context, itemIndex, DROPBOX, { method: 'POST', url: 'https://api.dropboxapi.com/2/users/get_current_account' });
