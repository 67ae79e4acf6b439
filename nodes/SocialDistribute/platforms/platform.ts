import type { IExecuteFunctions } from 'n8n-workflow';

/** One social platform as this node sees it: which credential it takes, and what of it the sidecar needs. */
export interface Platform {
	name: string;
	/** Name on the wire. */
	value: string;
	/** Type of its credential, also listed in the node's description. */
	credential: string;
	/** Only for the one job; the sidecar stores them encrypted and erases them when the job ends. */
	secrets(context: IExecuteFunctions, itemIndex: number): Promise<Record<string, string>>;
}
