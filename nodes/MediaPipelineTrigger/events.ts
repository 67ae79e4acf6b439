import type { INodePropertyOptions } from 'n8n-workflow';

/** What the sidecar tells webhooks of, as its contract names it. */
export const events: INodePropertyOptions[] = [
	{ name: 'All Events', value: '*' },
	{ name: 'Any Asset Event', value: 'asset.*' },
	{ name: 'Any Job Event', value: 'job.*' },
	{ name: 'Any Post Event', value: 'post.*' },
	{ name: 'Asset Analyzing', value: 'asset.analyzing', description: 'A scan has begun, before anything else is done with the asset' },
	{ name: 'Asset Created', value: 'asset.created', description: 'An asset exists, its bytes may still be on their way' },
	{ name: 'Asset Deleted', value: 'asset.deleted', description: 'An asset was deleted, with its files' },
	{ name: 'Asset Failed', value: 'asset.failed', description: 'The asset cannot be used, or its processing failed' },
	{ name: 'Asset Processed', value: 'asset.processed', description: 'All jobs of a process request have ended' },
	{ name: 'Asset Ready', value: 'asset.ready', description: 'The bytes are stored, and it is known what they are' },
	{ name: 'Asset Updated', value: 'asset.updated', description: 'Somebody changed its title, tags or metadata' },
	{ name: 'Job Cancelled', value: 'job.cancelled', description: 'Somebody stopped a job' },
	{ name: 'Job Completed', value: 'job.completed', description: 'A job has ended, and its result is there' },
	{ name: 'Job Created', value: 'job.created', description: 'Somebody asked for a job' },
	{ name: 'Job Failed', value: 'job.failed', description: 'A job has ended without a result' },
	{ name: 'Job Preview', value: 'job.preview', description: 'A first file of a running job can be looked at' },
	{ name: 'Job Retried', value: 'job.retried', description: 'Somebody asked for a failed or cancelled job again' },
	{ name: 'Post Deleted', value: 'post.deleted', description: 'A post was removed from its platform' },
	{ name: 'Post Failed', value: 'post.failed', description: 'A post was not published' },
	{ name: 'Post Needs Reconnection', value: 'post.needs_reauth', description: 'The account must be connected again before the post can go out' },
	{ name: 'Post Published', value: 'post.published', description: 'A post can be seen on its platform' },
	{ name: 'Post Scheduled', value: 'post.scheduled', description: 'A platform has taken a post, to publish it later' },
	{ name: 'Post Unknown', value: 'post.unknown', description: 'Nobody can tell whether a post was published' },
	{ name: 'Scanner Unavailable', value: 'scanner.unavailable', description: 'The virus scanner does not answer, and nothing is accepted until it does' },
];
