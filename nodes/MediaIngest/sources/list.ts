import type { IDataObject, IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { listSource } from '../../shared/sidecar';
import type { OperationInput } from '../../shared/operation';
import type { AssetDetails, BatchItem, ListAnswer, ListSource, Source } from '../../shared/wire';

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

/** Longer ones are refused by the sidecar. */
const MOST_OF_TITLE = 500;

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

/** A place in the memory of the workflow, and the n8n item that has read on from it. */
interface Pending {
	itemIndex: number;
	key: string;
	cursor: string;
}

/** Cursors that are kept once the sidecar has taken the files they stand for. */
const pending = new WeakMap<IExecuteFunctions, Pending[]>();

/** Every file of the place, as requests, up to the limit. */
export async function findListed({ context, itemIndex, read }: OperationInput, { key, source, secrets = {} }: Listing): Promise<BatchItem[]> {
	const limit = Math.min(MOST_FILES, Math.max(1, Number(read('limit', 50)) || 1));
	const onlyNew = read('onlyNew', false) === true;
	const items = new Map<string, BatchItem>();
	let cursor = onlyNew ? readFrom(context, key) : null;
	for (let more = true; more && items.size < limit; ) {
		const page = await listSource(context, { source, cursor, limit: limit - items.size });
		for (const entry of page.entries) {
			// Feeds name the same file in several entries.
			const named = JSON.stringify(entry.source);
			if (!items.has(named)) items.set(named, toItem(entry, secrets));
		}
		for (const { name, reason } of page.skipped) context.logger.info(`Media Ingest passes over "${name}": ${reason}`, { itemIndex });
		more = page.has_more && page.cursor !== null && page.cursor !== cursor;
		cursor = page.cursor;
	}
	if (onlyNew && cursor !== null) pending.set(context, [...(pending.get(context) ?? []), { itemIndex, key, cursor }]);
	return [...items.values()];
}

function toItem({ source, metadata, name }: ListAnswer['entries'][number], secrets: NonNullable<Listing['secrets']>): BatchItem {
	const { title, description } = metadata;
	const details: AssetDetails = {
		...(typeof title === 'string' && title !== '' ? { title: title.slice(0, MOST_OF_TITLE) } : {}),
		...(typeof description === 'string' && description !== '' ? { description } : {}),
	};
	return { operation: 'ingest', source: { ...source, ...secrets } as Source, metadata: { ...metadata, file_name: name }, ...(Object.keys(details).length > 0 ? { details } : {}) };
}

/** Where this run has come to, or an earlier one: two items may name the same place. */
function readFrom(context: IExecuteFunctions, key: string): string | null {
	const here = pending.get(context)?.filter((one) => one.key === key).at(-1);
	const remembered = here?.cursor ?? (context.getWorkflowStaticData('node').cursors as IDataObject | undefined)?.[key];
	return typeof remembered === 'string' ? remembered : null;
}

/**
 * Called when the sidecar has taken the files: what was listed before it refused them would be lost otherwise.
 * @param refused n8n items whose files it did not take
 */
export function rememberCursors(context: IExecuteFunctions, refused: readonly number[]): void {
	const lost = new Set<string>();
	const kept: IDataObject = {};
	for (const { itemIndex, key, cursor } of pending.get(context) ?? []) {
		// What a later item of the same place has read lies behind what was refused.
		if (refused.includes(itemIndex)) lost.add(key);
		else if (!lost.has(key)) kept[key] = cursor;
	}
	pending.delete(context);
	if (Object.keys(kept).length === 0) return;
	const data = context.getWorkflowStaticData('node');
	data.cursors = { ...(data.cursors as IDataObject | undefined), ...kept };
}
