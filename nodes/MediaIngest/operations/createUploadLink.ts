import type { DirectOperation } from '../../shared/operation';
import { optionalObject, ParameterError, requiredText, withoutEmpty } from '../../shared/parameters';
import { optionsField } from '../../shared/properties';
import { signUpload } from '../../shared/sidecar';
import type { SignRequest } from '../../shared/wire';
import { detailFields, readDetails, scanField } from './fields';

/** For forms and apps: somebody else sends the bytes, straight to the sidecar or its store. */
export const createUploadLink: DirectOperation = {
	name: 'Create Upload Link',
	value: 'createUploadLink',
	description: 'Make a signed link that a browser can upload a file to',
	action: 'Create an upload link',
	properties: [
		{ displayName: 'File Name', name: 'fileName', type: 'string', default: '', required: true, placeholder: 'interview.mp4', description: 'Name of the file that will be sent' },
		{ displayName: 'File Size (Bytes)', name: 'fileSize', type: 'number', typeOptions: { minValue: 1 }, default: 0, required: true, placeholder: '1048576', description: 'Exactly so many bytes are taken' },
		{ displayName: 'MIME Type', name: 'mimeType', type: 'string', default: 'video/mp4', required: true, description: 'Type of the file; its content is checked when it is there' },
		{
			displayName: 'Protocol',
			name: 'protocol',
			type: 'options',
			default: 'put',
			description: 'How the file will be sent',
			options: [
				{ name: 'In Parts (Multipart)', value: 'multipart', description: 'Straight to an S3-compatible store, in several parts' },
				{ name: 'Resumable (Tus)', value: 'tus', description: 'For large files and bad lines: goes on where it stopped' },
				{ name: 'Single Request (PUT)', value: 'put', description: 'The simplest, for files up to 500 MB' },
			],
		},
		optionsField([...detailFields, scanField, { displayName: 'Expires After (Minutes)', name: 'expiresMinutes', type: 'number', typeOptions: { minValue: 15, maxValue: 1440 }, default: 60, description: 'How long the link works. At most an hour for a single request, a day for the others.' }]),
	],
	async answer({ context, read }) {
		const size = Number(read('fileSize', 0));
		if (!Number.isInteger(size) || size < 1) throw new ParameterError('"File Size (Bytes)" must be the size of the file, a whole number above zero: the link takes exactly so many bytes.');
		const minutes = read('options.expiresMinutes', undefined);
		const request = withoutEmpty<SignRequest>({
			file_name: requiredText(read, 'fileName', 'File Name'),
			file_size: size,
			mime_type: requiredText(read, 'mimeType', 'MIME Type'),
			protocol: read('protocol', 'put') as SignRequest['protocol'],
			expires_in_seconds: minutes === undefined || minutes === null ? undefined : Number(minutes) * 60,
			details: readDetails(read, 'options'),
			scan: read('options.scan', false) === true ? true : undefined,
			metadata: optionalObject(read, 'options.metadata', 'Metadata'),
		});
		return [await signUpload(context, request)];
	},
};
