import type { INodeCredentialDescription } from 'n8n-workflow';
import { requiredUrl, withoutEmpty } from '../../shared/parameters';
import type { Source } from '../../shared/wire';
import type { IngestSource } from './source';

/** n8n's own. Needed only for links that have expired, which Discord's do after a day. */
export const discordCredential: INodeCredentialDescription = {
	name: 'discordBotApi',
	required: false,
	displayOptions: { show: { '/operation': ['ingest'], '/source': ['discord'] } },
};

export const discord: IngestSource = {
	name: 'Discord Attachment',
	value: 'discord',
	description: 'A file that was posted on Discord',
	properties: [
		{
			displayName: 'Attachment URL',
			name: 'attachmentUrl',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'https://cdn.discordapp.com/attachments/1/2/video.mp4?ex=…',
			description: 'Link of the attachment. Discord ends such links after about a day; with a bot credential expired ones are renewed.',
		},
	],
	async find({ context, itemIndex, read }) {
		const isChosen = context.getNode().credentials?.[discordCredential.name] !== undefined;
		const { botToken } = isChosen ? await context.getCredentials<{ botToken?: string }>(discordCredential.name, itemIndex) : {};
		const source = withoutEmpty<Source>({ type: 'discord', url: requiredUrl(read, 'attachmentUrl', 'Attachment URL'), bot_token: botToken });
		return [{ operation: 'ingest', source }];
	},
};
