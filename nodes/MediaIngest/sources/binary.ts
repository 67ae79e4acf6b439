import { NodeApiError, type IBinaryData, type IExecuteFunctions } from 'n8n-workflow';
import { readHttpFailure, type HttpFailure } from '../../shared/httpError';
import type { OperationInput } from '../../shared/operation';
import { ParameterError, requiredText, withoutEmpty } from '../../shared/parameters';
import { describeUnreachable, signUpload } from '../../shared/sidecar';
import type { BatchItem, SignAnswer, SignRequest } from '../../shared/wire';
import type { IngestOptions, IngestSource } from './source';

/** Of a single PUT. Two hours: 500 MB, the most that goes so, over a line of less than 1 Mbit/s. */
const UPLOAD_TIMEOUT_MS = 2 * 60 * 60_000;

/** As long as a resumable link works: larger files have no other bound. */
const TUS_TIMEOUT_MS = 24 * 60 * 60_000;

/** The sidecar looks at the file, and the store may copy it. */
const COMPLETE_TIMEOUT_MS = 5 * 60_000;

/** Above it a file goes by the resumable protocol, in one piece: a single PUT takes 500 MB unless the sidecar allows more. */
const MOST_PUT_BYTES = 500 * 1024 * 1024;

/** Files that an earlier node left in n8n: they are sent as streams, from n8n's storage straight to the sidecar. */
export const binary: IngestSource = {
	name: 'Binary Data',
	value: 'binary',
	description: 'A file that an earlier node has put into n8n: a form, a mail, a download',
	properties: [
		{
			displayName: 'Input Binary Field',
			name: 'binaryProperty',
			type: 'string',
			default: 'data',
			required: true,
			hint: 'The name of the input field that holds the file; several, separated by commas',
		},
	],
	async find(input, options) {
		if (options.dedupe === 'version') throw new ParameterError('A file of n8n cannot become a new version of an asset. Choose another source, or another way to deal with known files.');
		const fields = requiredText(input.read, 'binaryProperty', 'Input Binary Field').split(',').map((field) => field.trim());
		const items: BatchItem[] = [];
		// One after the other: each holds a stream open.
		for (const field of fields.filter((name) => name !== '')) items.push(await send(input, field, options));
		return items;
	},
};

async function send({ context, itemIndex }: OperationInput, field: string, { details, metadata, dedupe, scan }: IngestOptions): Promise<BatchItem> {
	const data = context.helpers.assertBinaryData(itemIndex, field);
	const file = await openBinary(context, data);
	if (file.size === 0) throw new ParameterError(`The file in "${field}" is empty.`);
	const isLarge = file.size > MOST_PUT_BYTES;
	const upload = await signUpload(
		context,
		withoutEmpty<SignRequest>({ file_name: data.fileName ?? 'upload', file_size: file.size, mime_type: data.mimeType, details, metadata, dedupe: dedupe === 'version' ? undefined : dedupe, scan, protocol: isLarge ? 'tus' : undefined }),
	);
	if (isLarge && upload.tus) await sendByTus(context, upload.tus.endpoint, file);
	else await putStream(context, upload, data, file);
	return { operation: 'ingest', asset_id: upload.asset_id };
}

/** https://tus.io/protocols/resumable-upload: creation, then all of it in one PATCH. */
async function sendByTus(context: IExecuteFunctions, endpoint: string, { size, body }: OpenFile): Promise<void> {
	const common = { timeout: UPLOAD_TIMEOUT_MS, disableFollowRedirect: true };
	try {
		const created = (await context.helpers.httpRequest({ ...common, method: 'POST', url: endpoint, headers: { 'tus-resumable': '1.0.0', 'upload-length': size }, returnFullResponse: true })) as { headers: { location?: string } };
		const url = new URL(created.headers.location ?? '', endpoint).href;
		await context.helpers.httpRequest({
			...common,
			timeout: TUS_TIMEOUT_MS,
			method: 'PATCH',
			url,
			body,
			headers: { 'tus-resumable': '1.0.0', 'upload-offset': 0, 'content-type': 'application/offset+octet-stream', 'content-length': size },
		});
	} catch (error) {
		const failure = readHttpFailure(error);
		throw new NodeApiError(context.getNode(), failure.cause, describeUpload(endpoint, failure));
	}
}

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
		// Bytes that went straight to a store: the sidecar does not know yet that they are there.
		if (upload.complete_url) {
			await context.helpers.httpRequest({ method: 'POST', url: upload.complete_url, timeout: COMPLETE_TIMEOUT_MS, disableFollowRedirect: true });
		}
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
