import { NodeApiError, type IBinaryData, type IExecuteFunctions } from 'n8n-workflow';
import { readHttpFailure, type HttpFailure } from '../../shared/httpError';
import type { NodeOperation } from '../../shared/operation';
import { optionalObject, ParameterError, requiredText, withoutEmpty } from '../../shared/parameters';
import { describeUnreachable, signUpload } from '../../shared/sidecar';
import type { SignAnswer } from '../../shared/wire';
import { metadataProperty } from './metadata';

/** Two hours: 500 MB (the sidecar's default limit) over a line of less than 1 Mbit/s. */
const UPLOAD_TIMEOUT_MS = 2 * 60 * 60_000;

/** A file that an earlier node left in n8n: it is sent as a stream, from n8n's storage straight to the sidecar. */
export const fromBinary: NodeOperation = {
	name: 'From Binary',
	value: 'fromBinary',
	description: 'Send a file that an earlier node has put into n8n',
	action: 'Ingest a file from n8n binary data',
	properties: [
		{
			displayName: 'Input Binary Field',
			name: 'binaryProperty',
			type: 'string',
			default: 'data',
			required: true,
			hint: 'The name of the input field that holds the file',
		},
		metadataProperty,
	],
	async build({ context, itemIndex, read }) {
		const field = requiredText(read, 'binaryProperty', 'Input Binary Field');
		const binary = context.helpers.assertBinaryData(itemIndex, field);
		const file = await openBinary(context, binary);
		if (file.size === 0) throw new ParameterError(`The file in "${field}" is empty.`);
		const upload = await signUpload(
			context,
			withoutEmpty({
				file_name: binary.fileName ?? 'upload',
				file_size: file.size,
				mime_type: binary.mimeType,
				metadata: optionalObject(read, 'metadata', 'Metadata'),
			}),
		);
		await putStream(context, upload, binary, file);
		return [{ operation: 'ingest', asset_id: upload.asset_id }];
	},
};

interface OpenFile {
	size: number;
	body: Awaited<ReturnType<IExecuteFunctions['helpers']['getBinaryStream']>> | Buffer;
}

/** Only n8n's in-memory mode, which has no id, holds the bytes in the item itself. */
async function openBinary(context: IExecuteFunctions, binary: IBinaryData): Promise<OpenFile> {
	if (!binary.id) {
		const body = Buffer.from(binary.data, 'base64');
		return { size: body.length, body };
	}
	const { fileSize } = await context.helpers.getBinaryMetadata(binary.id);
	return { size: fileSize, body: await context.helpers.getBinaryStream(binary.id) };
}

/** The URL is signed: it carries its own permission, and is bound to this asset. */
async function putStream(
	context: IExecuteFunctions,
	upload: SignAnswer,
	binary: IBinaryData,
	file: OpenFile,
): Promise<void> {
	try {
		await context.helpers.httpRequest({
			method: upload.method,
			url: upload.upload_url,
			body: file.body,
			// In lower case, as the answer's own headers are: two spellings would be sent as two.
			headers: { 'content-type': binary.mimeType, ...upload.headers, 'content-length': file.size },
			timeout: UPLOAD_TIMEOUT_MS,
			// The library behind redirects keeps the whole body in memory, to be able to send it again.
			disableFollowRedirect: true,
		});
	} catch (error) {
		const failure = readHttpFailure(error);
		throw new NodeApiError(context.getNode(), failure.cause, describeUpload(upload.upload_url, failure));
	}
}

/** The query of the URL is secret. */
function describeUpload(url: string, { status, reason }: HttpFailure): { message: string; description: string } {
	const { origin } = new URL(url);
	if (status === undefined) return describeUnreachable(origin, reason);
	return {
		message: `The media sidecar refused the upload (HTTP ${status})`,
		description: `The file could not be sent to ${origin}. The log of the sidecar has the reason.`,
	};
}
