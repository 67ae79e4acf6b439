import type { WorkspaceSettings } from '../../contract/workspace.ts';
import type { WorkerDeps } from '../../pipeline/worker-deps.ts';
import type { UploadDeps } from '../../pipeline/uploads.ts';

export type RetentionDeps = Pick<WorkerDeps, 'db' | 'storage' | 'log'> & UploadDeps;

/** The workspace that is being looked through. */
export interface Place {
	deps: RetentionDeps;
	workspaceId: string;
	settings: WorkspaceSettings;
	now: Date;
	/** Also where so much would go that the storage or the database looks like the wrong one. */
	force: boolean;
}

/** One thing that is to go. */
export interface Finding {
	/** `asset 4f0c…` or a storage key. */
	what: string;
	bytes: number;
	/** For a person: by which rule. */
	reason: string;
	/** Does it. Doing it again, or what somebody else has done meanwhile, is no error. False: it is not to go any more. */
	apply(): Promise<boolean>;
}

/** One kind of clean-up, one file. `find` changes nothing, so that a dry run is the same search. */
export interface Rule {
	name: string;
	about: string;
	find(place: Place): AsyncIterable<Finding>;
}
