import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';

/** Reads one of a platform's own fields of the current item; empty fields are undefined. */
export type ReadField = (name: string) => unknown;

/** One social platform as this node sees it: which credential it takes, and what of it the sidecar needs. */
export interface Platform {
	name: string;
	/** Name on the wire. */
	value: string;
	/** Types of its credential: one of them must be chosen. */
	credentials: readonly string[];
	/** It can be given a post to publish later. */
	schedules?: true;
	/** Fields that only this platform has. They are shown as the collection "<name> Options". */
	fields?: INodeProperties[];
	/** What is sent of them, as `params.settings`. */
	settings?(read: ReadField): Record<string, unknown>;
	/** Only for the one job; the sidecar stores them encrypted and erases them when the job ends. */
	secrets(context: IExecuteFunctions, itemIndex: number): Promise<Record<string, string>>;
}
