import type { IDataObject, IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { ParameterError } from '../../shared/parameters';
import { listSource } from '../../shared/sidecar';
import type { OperationInput } from '../../shared/operation';
import type { BatchItem, ListSource, Source } from '../../shared/wire';

/** What a list takes with it: the tokens that its entries need, too. */
interface Listing {
	/** Names the place in the memory of the workflow: no token in it. */
	key: string;
	source: ListSource;
	/** Added to the source of every entry. */
	secrets?: Partial<Record<'access_token' | 'bot_token' | 'access_key_id' | 'secret_access_key' | 'session_token', string>>;
}

/** A batch of the sidecar takes a thousand items. */
const MOST_FILES = 1000;

/** Fields of every source that is a list. */
export const listProperties: INodeProperties[] = [
	{
		displayName: 'Only New Files',
		name: 'onlyNew',
		type: 'boolean',
		default: false,
		description: 'Whether to leave out what an earlier run of this active workflow has ingested. Runs from the editor remember nothing.',
	},
	{
		displayName: 'Limit',
		name: 'limit',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: MOST_FILES },
		default: 50,
		description: 'Max number of results to return',
	},
];

/** Cursors that are kept once the sidecar has taken the files they stand for. */
const pending = new WeakMap<IExecuteFunctions, Map<string, string>>();

/** Every file of the place, as requests, up to the limit. */
export async function findListed({ context, itemIndex, read }: OperationInput, { key, source, secrets = {} }: Listing): Promise<BatchItem[]> {
	const limit = Math.min(MOST_FILES, Math.max(1, Number(read('limit', 50)) || 1));
	const onlyNew = read('onlyNew', false) === true;
	const remembered = onlyNew ? cursorsOf(context)[key] : undefined;
	const items: BatchItem[] = [];
	let cursor = typeof remembered === 'string' ? remembered : null;
	let more = true;
	while (more && items.length < limit) {
		const page = await listSource(context, { source, cursor, limit: limit - items.length });
		for (const { source: place, metadata, name } of page.entries) {
			items.push({ operation: 'ingest', source: { ...place, ...secrets } as Source, metadata: { ...metadata, file_name: name } });
		}
		for (const { name, reason } of page.skipped) context.logger.info(`Media Ingest passes over "${name}": ${reason}`, { itemIndex });
		cursor = page.cursor;
		more = page.has_more && cursor !== null;
	}
	if (items.length > MOST_FILES) throw new ParameterError(`These are ${items.length} files; one run takes ${MOST_FILES}. Lower the limit.`);
	if (onlyNew && cursor !== null) pending.set(context, (pending.get(context) ?? new Map<string, string>()).set(key, cursor));
	return items;
}

/** Called when the sidecar has taken everything: what was listed before it failed would be lost otherwise. */
export function rememberCursors(context: IExecuteFunctions): void {
	const cursors = cursorsOf(context);
	for (const [key, cursor] of pending.get(context) ?? []) cursors[key] = cursor;
}

function cursorsOf(context: IExecuteFunctions): IDataObject {
	const data = context.getWorkflowStaticData('node');
	data.cursors ??= {};
	return data.cursors as IDataObject;
}
