import { z } from 'zod';
import { assetSchema, jobSchema, postSchema } from './views.ts';

/** What registered webhooks can be told of, and when it happens. `job.progress` is for GET /api/media/events only. */
export const WEBHOOK_EVENTS = {
	'asset.created': 'An asset exists. Its bytes may still be on their way.',
	'asset.ready': 'The bytes of an asset are stored, and it is known what they are.',
	'asset.analyzing': 'The asset is being scanned, before anything else is done with it.',
	'asset.processed': 'All jobs of `POST /api/media/process` have ended.',
	'asset.updated': 'Somebody changed what is said of an asset: title, tags, metadata.',
	'asset.deleted': 'An asset was deleted, with its files.',
	'asset.failed': 'The asset cannot be used, or its processing failed.',
	'job.created': 'Somebody asked for a job.',
	'job.retried': 'Somebody asked for a failed or cancelled job again.',
	'job.preview': 'A first file of a running job can be looked at.',
	'job.completed': 'A job has ended, and its result is there.',
	'job.failed': 'A job has ended without a result.',
	'job.cancelled': 'Somebody stopped a job.',
	'post.scheduled': 'A platform has taken a post, to publish it later.',
	'post.published': 'A post can be seen on its platform.',
	'post.failed': 'A post was not published.',
	'post.needs_reauth': 'The token of an account is not accepted any more: connect it again and retry the job, which goes on where it stopped.',
	'post.unknown': 'Nobody can tell whether a post was published: look at the platform.',
	'post.deleted': 'A post was removed from its platform.',
	'scanner.unavailable': 'The virus scanner does not answer, and nothing is accepted until it does. At most once a minute.',
} as const;
export type WebhookEvent = keyof typeof WEBHOOK_EVENTS;

const TYPES = Object.keys(WEBHOOK_EVENTS) as [WebhookEvent, ...WebhookEvent[]];
const KINDS = ['*', 'asset.*', 'job.*', 'post.*'] as const;
const PATTERNS = [...KINDS, ...TYPES] as const;

export const isWebhookEvent = (type: string): type is WebhookEvent => type in WEBHOOK_EVENTS;

/** Everything that a webhook which wants events of this type may have asked for. */
export const patternsOf = (type: WebhookEvent): string[] => [type, `${type.split('.')[0]}.*`, '*'];

export const webhookRequestSchema = z.strictObject({
	workspace_id: z.string().optional().describe('Must be the workspace of the API key, when given.'),
	url: z
		.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
		.max(2048)
		.refine((url) => !url.includes('#'), 'must have no #fragment: it would not be sent')
		.describe('Where events are sent to. Checked like every URL from outside, now and with each delivery.'),
	events: z
		.array(z.enum(PATTERNS, { error: `must be one of ${PATTERNS.join(', ')}` }))
		.min(1, 'name at least one type of event')
		.max(PATTERNS.length)
		.refine((events) => new Set<string>(events).size === events.length, 'names a type twice')
		.describe('Types, e.g. `post.published`, or all of a kind, e.g. `post.*`; `*`: all there are.'),
	asset_id: z.uuid().optional().describe('Only events of this asset. Default: of all.'),
	description: z
		.string()
		.max(200)
		.refine((text) => !text.includes('\0'), 'holds a character that cannot be stored')
		.default('')
		.describe('Whose it is, for whoever reads the list.'),
});
export type WebhookRequest = z.infer<typeof webhookRequestSchema>;

const time = z.string().describe('ISO 8601');

export const webhookSchema = z.object({
	id: z.string(),
	url: z.string().describe('Without its query, which may hold a token.'),
	events: z.array(z.string()),
	asset_id: z.string().nullable(),
	description: z.string(),
	status: z.enum(['active', 'disabled']),
	disabled_reason: z.string().nullable(),
	disabled_at: time.nullable(),
	failing_since: time.nullable().describe('Null: the latest delivery got through, or there was none yet.'),
	failures: z.number().describe('Attempts in a row that failed.'),
	last_failure: z.string().nullable(),
	last_delivered_at: time.nullable(),
	pending: z.number().describe('Events that wait to be delivered.'),
	created_at: time,
});
export type WebhookView = z.infer<typeof webhookSchema>;

export const webhookCreatedSchema = webhookSchema.extend({ secret: z.string().describe('`whsec_…`. Shown this once: what is sent to this webhook is signed with it.') });

/** What is sent to a webhook. The event is as it was; asset, job and post are as they are when it is sent. */
export const webhookEventSchema = z.object({
	event_id: z.string().describe('Also the header `webhook-id`: the same on every try.'),
	type: z.enum(TYPES),
	timestamp: time.describe('When it happened.'),
	workspace_id: z.string(),
	data: z
		.looseObject({
			asset_id: z.string().nullable(),
			job_id: z.string().nullable(),
			asset: assetSchema.nullable(),
			job: jobSchema.nullable(),
			post: postSchema.nullable().describe('With events `post.*` that the sidecar has the post of.'),
		})
		.describe('What is known of the event itself (`job_type`, `batch_id`, `platform`, `permalink`, `error` …) beside these.'),
});
export type WebhookEventBody = z.infer<typeof webhookEventSchema>;
