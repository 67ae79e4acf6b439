import { createHash } from 'node:crypto';
import type { IDataObject, IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import type { OperationInput } from '../../shared/operation';
import { ParameterError } from '../../shared/parameters';
import { listSource } from '../../shared/sidecar';
import type { AssetDetails, BatchItem, ListAnswer, ListSource, Source } from '../../shared/wire';

/** What a list takes with it: the tokens that its entries need, too. */
interface Listing {
	/** Names the place. Only its hash is stored: addresses of feeds and shared links are secrets. */
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

/** What has been taken of a place, for the memory of the workflow. */
interface Pending {
	/** Of n8n. */
	itemIndex: number;
	key: string;
	marks: string[];
}

/** Kept once the sidecar has taken the files they stand for. */
const pending = new WeakMap<IExecuteFunctions, Pending[]>();

/** How many files the run has found: all n8n items go to the sidecar as one batch. */
const found = new WeakMap<IExecuteFunctions, number>();

/** Of each version of each file that was taken: 66 bits, so that two files are mistaken for one another about never. */
const MARK_LENGTH = 11;
/** Of one place: 220 kB in n8n's database. */
const MOST_MARKS = 20_000;

/**
 * Every file of the place, as requests, up to the limit and to what the batch has room for.
 * @throws ParameterError where there is no room, or where more files are there than can be remembered
 */
export async function findListed({ context, itemIndex, read }: OperationInput, listing: Listing): Promise<BatchItem[]> {
	const { source, secrets = {} } = listing;
	const key = createHash('sha256').update(listing.key).digest('base64url');
	const wanted = Math.max(1, Number(read('limit', 50)) || 1);
	const limit = Math.min(wanted, roomLeft(context));
	const onlyNew = read('onlyNew', false) === true;
	const seen = new Set(onlyNew ? marksOf(context, key) : []);
	const here = new Set<string>();
	const items = new Map<string, BatchItem>();
	let cursor: string | null = null;
	let more = true;
	// With more to remember than there is room for, it is read to its end: what is gone can be forgotten.
	while (more && (items.size < limit || (onlyNew && seen.size > MOST_MARKS))) {
		// Cursors tell what is new in some places only, and are forgotten by some; so that all are alike, the marks tell it.
		const page: ListAnswer = await listSource(context, { source, cursor, limit: onlyNew ? MOST_FILES : limit - items.size });
		for (const entry of page.entries) {
			const mark = markOf(source, entry);
			here.add(mark);
			// Feeds name the same file in several entries.
			const named = JSON.stringify(entry.source);
			if (seen.has(mark) || items.has(named) || items.size >= limit) continue;
			seen.add(mark);
			items.set(named, toItem(entry, secrets));
		}
		if (onlyNew && here.size > MOST_MARKS) {
			throw new ParameterError(`This place has more than ${MOST_MARKS} files: more than "Only New Files" can remember. Choose a smaller one, such as a subfolder, or switch "Only New Files" off.`);
		}
		for (const { name, reason } of page.skipped) context.logger.info(`Media Ingest passes over "${name}": ${reason}`, { itemIndex });
		more = page.has_more && page.cursor !== null && page.cursor !== cursor;
		cursor = page.cursor;
	}
	if (items.size === limit && limit < wanted) context.logger.info(`Media Ingest takes ${MOST_FILES} files per run: there may be more in this place`, { itemIndex });
	found.set(context, (found.get(context) ?? 0) + items.size);
	// What is no longer there need not be remembered, as far as everything was looked at. With nothing there at all, the place
	// itself is more likely to be gone for a while: a feed that is being written, a folder that is not mounted.
	if (onlyNew) pending.set(context, [...(pending.get(context) ?? []), { itemIndex, key, marks: [...seen].filter((mark) => more || here.size === 0 || here.has(mark)) }]);
	return [...items.values()];
}

/** Of the batch of this run, for the files of the next item. */
function roomLeft(context: IExecuteFunctions): number {
	const left = MOST_FILES - (found.get(context) ?? 0);
	if (left > 0) return left;
	throw new ParameterError(`The items before this one have found ${MOST_FILES} files already: one run takes no more. Lower "Limit", or give the node fewer items at a time (Loop Over Items).`);
}

/** Publishers keep the guid of an entry, not its address; elsewhere two files may have the same content. */
function markOf({ type }: ListSource, { source, version }: ListAnswer['entries'][number]): string {
	const text = type === 'rss' ? version : JSON.stringify([source, version]);
	return createHash('sha256').update(text).digest('base64url').slice(0, MARK_LENGTH);
}

function toItem({ source, metadata, name }: ListAnswer['entries'][number], secrets: NonNullable<Listing['secrets']>): BatchItem {
	const { title, description } = metadata;
	const details: AssetDetails = {
		...(typeof title === 'string' && title !== '' ? { title: title.slice(0, MOST_OF_TITLE) } : {}),
		...(typeof description === 'string' && description !== '' ? { description } : {}),
	};
	return { operation: 'ingest', source: { ...source, ...secrets } as Source, metadata: { ...metadata, file_name: name }, ...(Object.keys(details).length > 0 ? { details } : {}) };
}

/** What this run, or an earlier one, has taken: two items may name the same place. */
function marksOf(context: IExecuteFunctions, key: string): string[] {
	const here = pending.get(context)?.filter((one) => one.key === key).at(-1);
	const text = (context.getWorkflowStaticData('node').taken as IDataObject | undefined)?.[key];
	return here?.marks ?? (typeof text === 'string' ? (text.match(new RegExp(`.{${MARK_LENGTH}}`, 'g')) ?? []) : []);
}

/**
 * Called when the sidecar has taken the files: what was listed before it refused them would be lost otherwise.
 * @param refused n8n items whose files it did not take
 */
export function rememberTaken(context: IExecuteFunctions, refused: readonly number[]): void {
	const lost = new Set<string>();
	const kept: IDataObject = {};
	for (const { itemIndex, key, marks } of pending.get(context) ?? []) {
		// What a later item of the same place has read includes what was refused.
		if (refused.includes(itemIndex)) lost.add(key);
		else if (!lost.has(key)) kept[key] = marks.join('');
	}
	pending.delete(context);
	found.delete(context);
	const data = context.getWorkflowStaticData('node');
	const before = (data.taken ?? {}) as IDataObject;
	// n8n stores it whenever it was written to.
	if (Object.entries(kept).some(([key, marks]) => before[key] !== marks)) data.taken = { ...before, ...kept };
}
