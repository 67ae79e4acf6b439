import type { INodeProperties } from 'n8n-workflow';
import type { OperationInput } from '../../shared/operation';
import type { BatchItem } from '../../shared/wire';

/** What every source adds to the requests of an item: title, tags, what to do with known files … */
export type IngestOptions = Partial<Pick<BatchItem, 'metadata' | 'details' | 'dedupe' | 'scan' | 'pipeline'>>;

/** One entry of the list "Source": one file per source, all of this shape. */
export interface IngestSource {
	name: string;
	value: string;
	description: string;
	properties: INodeProperties[];
	/** Whether it is a folder or feed, which gives any number of files. */
	isList?: true;
	/** The media of one n8n item: one request, or one for each file of a folder or feed. */
	find(input: OperationInput, options: IngestOptions): Promise<BatchItem[]> | BatchItem[];
}
