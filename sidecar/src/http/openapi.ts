import { z } from 'zod';
import { aiReportSchema } from '../ai/routing/report.ts';
import * as assets from '../contract/assets.ts';
import * as downloads from '../contract/downloads.ts';
import * as pipelines from '../contract/pipelines.ts';
import * as publicAsset from '../contract/public.ts';
import * as requests from '../contract/requests.ts';
import * as retention from '../contract/retention.ts';
import * as sources from '../contract/sources.ts';
import * as views from '../contract/views.ts';
import * as webhooks from '../contract/webhooks.ts';
import { settingsChangeSchema, workspaceSettingsChangeSchema } from '../contract/workspace-change.ts';
import { workspaceSettingsSchema } from '../contract/workspace.ts';
import { scopeOfOperation, SCOPE_TEXTS, type Scope } from '../contract/scopes.ts';
import * as tenancy from '../contract/tenancy.ts';
import { quotaViewSchema } from '../contract/quota.ts';
import { auditEntrySchema } from '../contract/audit.ts';
import type { Operation } from '../operations/operation.ts';
import { feedbackRequestSchema, SEARCH_QUERY } from './search.ts';

export interface Route {
	method: 'get' | 'post' | 'put' | 'delete' | 'patch';
	path: string;
	tag: 'Process' | 'Pipelines' | 'Assets' | 'Jobs' | 'Upload' | 'Operations' | 'Distribute' | 'Callbacks' | 'Webhooks' | 'Search' | 'Keys' | 'Service';
	summary: string;
	body?: z.ZodType;
	/** Query and path parameters by name. */
	query?: Record<string, string>;
	status: number;
	answer?: z.ZodType;
	/** Answers something other than JSON. */
	contentType?: string;
	/** Takes no Idempotency-Key: its answer is shown once. */
	secret?: boolean;
	/** Needs no API key. */
	open?: boolean;
	/** What the key must be allowed to do (contract/scopes.ts); `any`: every key may. Each route that is not open has one. */
	scope?: Scope | 'any';
}

const listOf = (name: string, schema: z.ZodType) => z.object({ [name]: z.array(schema) });

const routes: Route[] = [
	{ method: 'post', path: '/api/media/process', tag: 'Process', scope: 'write', summary: 'One asset, one job per operation; triggers the n8n process workflow.', body: requests.processRequestSchema, status: 202, answer: views.processAcceptedSchema },
	{ method: 'get', path: '/api/media/process', tag: 'Process', scope: 'read', summary: 'Asset, jobs and progress.', query: { asset_id: 'Id of the asset' }, status: 200, answer: views.processViewSchema },
	{ method: 'post', path: '/api/media/callback', tag: 'Process', scope: 'write', summary: 'An external processor reports a job.', body: requests.callbackRequestSchema, status: 200, answer: z.object({ job: views.jobSchema }) },
	{ method: 'get', path: '/api/media/pipelines', tag: 'Pipelines', scope: 'read', summary: 'Named pipelines of the workspace, and those that come with the program.', status: 200, answer: listOf('pipelines', pipelines.pipelineViewSchema) },
	{ method: 'get', path: '/api/media/pipelines/{name}', tag: 'Pipelines', scope: 'read', summary: 'One pipeline; `podcast@3` is version 3 of it.', status: 200, answer: pipelines.pipelineViewSchema },
	{ method: 'put', path: '/api/media/pipelines/{name}', tag: 'Pipelines', scope: 'write', summary: 'Save a pipeline: operations, conditions and destinations are checked at once. Every change is a new version.', body: pipelines.pipelineDefinitionSchema, status: 200, answer: pipelines.pipelineViewSchema },
	{ method: 'delete', path: '/api/media/pipelines/{name}', tag: 'Pipelines', scope: 'write', summary: 'Delete a pipeline. Its versions stay for the jobs that name them.', status: 200, answer: z.object({ name: z.string(), deleted: z.boolean() }) },
	{ method: 'post', path: '/api/media/batch', tag: 'Jobs', scope: 'write', summary: 'Many items, worked in parallel, answered by one callback.', body: requests.batchRequestSchema, status: 202, answer: views.batchAcceptedSchema },
	{ method: 'get', path: '/api/media/batches/{id}', tag: 'Jobs', scope: 'read', summary: 'A batch, for callers that poll.', status: 200, answer: views.batchViewSchema },
	{ method: 'get', path: '/api/media/jobs', tag: 'Jobs', scope: 'read', summary: 'Newest jobs first.', query: { status: 'pending, processing, completed, failed, cancelled', asset_id: 'Only of this asset', limit: '1 to 500, default 50' }, status: 200, answer: listOf('jobs', views.jobSchema) },
	{ method: 'get', path: '/api/media/jobs/{id}', tag: 'Jobs', scope: 'read', summary: 'One job.', status: 200, answer: views.jobSchema },
	{ method: 'post', path: '/api/media/jobs/{id}/cancel', tag: 'Jobs', scope: 'write', summary: 'Stop a job: its process is killed, its files are removed.', status: 200, answer: views.jobSchema },
	{ method: 'post', path: '/api/media/jobs/{id}/retry', tag: 'Jobs', scope: 'write', summary: 'Try a failed or cancelled job again.', body: z.object({ secrets: z.record(z.string(), z.string()).optional() }), status: 202, answer: views.jobSchema },
	{ method: 'get', path: '/api/media/assets', tag: 'Assets', scope: 'read', summary: 'Newest assets first, in pages.', query: assets.ASSET_QUERY, status: 200, answer: assets.assetListSchema },
	{ method: 'get', path: '/api/media/assets/{id}', tag: 'Assets', scope: 'read', summary: 'One asset.', status: 200, answer: views.assetSchema },
	{ method: 'get', path: '/api/media/assets/{id}/download', tag: 'Assets', scope: 'read', summary: 'A link to the original, or to what a job made of it, that browsers save under a name.', query: downloads.DOWNLOAD_QUERY, status: 200, answer: downloads.downloadSchema },
	{ method: 'patch', path: '/api/media/assets/{id}', tag: 'Assets', scope: 'write', summary: 'Change title, description, language, owner, tags or metadata.', body: assets.assetChangeSchema, status: 200, answer: views.assetSchema },
	{ method: 'delete', path: '/api/media/assets/{id}', tag: 'Assets', scope: 'delete', summary: 'Delete an asset and its files. Jobs on it are cancelled; posts stay where they are.', status: 200, answer: assets.assetDeletedSchema },
	{ method: 'get', path: '/api/media/assets/search', tag: 'Search', scope: 'read', summary: 'Assets by what is said and seen in them, in the same or in other words, with the moment; or like another asset; or by filters alone.', query: SEARCH_QUERY, status: 200, answer: views.searchAnswerSchema },
	{ method: 'post', path: '/api/media/assets/{id}/public', tag: 'Assets', scope: 'publish', summary: 'Make an asset public: anyone may look at it, on a page with a player. Again: what is public becomes the newest results.', body: publicAsset.publicRequestSchema, status: 200, answer: publicAsset.publicAnswerSchema },
	{ method: 'get', path: '/api/media/assets/{id}/public', tag: 'Assets', scope: 'read', summary: 'Whether an asset is public, and its page, embed code and links.', status: 200, answer: publicAsset.publicAnswerSchema },
	{ method: 'delete', path: '/api/media/assets/{id}/public', tag: 'Assets', scope: 'publish', summary: 'Nobody sees the asset without a link any more: its public files are removed.', status: 200, answer: publicAsset.publicAnswerSchema },
	{ method: 'get', path: '/public/{workspace}/{name}', tag: 'Assets', summary: 'A public file, with ranges. Its content never changes under this address.', status: 200, contentType: 'application/octet-stream', open: true },
	{ method: 'get', path: '/watch/{asset}', tag: 'Assets', summary: 'The player of a public asset, for people.', status: 200, contentType: 'text/html', open: true },
	{ method: 'get', path: '/watch/{asset}/chapters.vtt', tag: 'Assets', summary: 'Chapters of a public asset, as WebVTT.', status: 200, contentType: 'text/vtt', open: true },
	{ method: 'get', path: '/watch/{asset}/captions/{file}', tag: 'Assets', summary: 'Captions of a public asset, as WebVTT.', status: 200, contentType: 'text/vtt', open: true },
	{ method: 'get', path: '/watch/{asset}/stream/{name}', tag: 'Assets', summary: 'The ladder of a public asset: `master.m3u8` and what it names.', status: 200, contentType: 'application/vnd.apple.mpegurl', open: true },
	{ method: 'get', path: '/embed/{asset}', tag: 'Assets', summary: 'The same player for a frame in another page.', status: 200, contentType: 'text/html', open: true },
	{ method: 'get', path: '/oembed', tag: 'Assets', summary: 'How to embed the page at `url` (oembed.com).', query: { url: 'Address of a /watch or /embed page', format: 'json (default) or xml', maxwidth: 'Pixels', maxheight: 'Pixels' }, status: 200, contentType: 'application/json', open: true },
	{ method: 'get', path: '/api/media/assets/{id}/history', tag: 'Search', scope: 'read', summary: 'What happened to an asset, and what people said of it.', query: { limit: '1 to 500, default 100' }, status: 200, answer: views.historySchema },
	{ method: 'post', path: '/api/media/feedback', tag: 'Search', scope: 'write', summary: 'A correction: stored, applied at once where it can be, and followed by later jobs.', body: feedbackRequestSchema, status: 200, answer: views.feedbackAnswerSchema },
	{ method: 'get', path: '/api/media/events', tag: 'Jobs', scope: 'read', summary: 'Server-sent events: job.progress, job.preview, job.completed, job.failed, asset.ready, asset.processed, post.published … `Last-Event-ID` resumes.', query: { asset_id: 'Only of this asset', job_id: 'Only of this job', batch_id: 'Only of this batch' }, status: 200, contentType: 'text/event-stream' },
	{ method: 'get', path: '/api/media/operations', tag: 'Operations', scope: 'any', summary: 'All operations with their parameters as JSON Schema.', status: 200, answer: z.object({ operations: z.array(z.record(z.string(), z.unknown())) }) },
	{ method: 'post', path: '/ingest', tag: 'Operations', scope: 'write', summary: 'Brings media into storage and finds out what it is.', body: requests.operationRequestSchema, status: 202, answer: views.operationAcceptedSchema },
	{ method: 'post', path: '/api/media/sources/list', tag: 'Upload', scope: 'write', summary: 'What a folder, feed or bucket holds, ready for a batch; with the cursor of the last answer what is new since then.', body: sources.listRequestSchema, status: 200, answer: sources.listAnswerSchema },
	{ method: 'post', path: '/api/media/sign', tag: 'Upload', scope: 'write', summary: 'Signed links to upload a file to: in one request, resumable (tus), or in parts straight to the store.', body: requests.signRequestSchema, status: 201, answer: views.signAnswerSchema },
	{ method: 'post', path: '/api/media/sign/{id}', tag: 'Upload', scope: 'write', summary: 'New links to an upload that is under way: what has come is kept, and the upload goes on.', body: requests.renewRequestSchema, status: 201, answer: views.signAnswerSchema },
	{ method: 'put', path: '/uploads/{workspace}/{asset}', tag: 'Upload', summary: 'Upload the bytes. The link from POST /api/media/sign is the permission.', query: { expires: 'From the link', max_bytes: 'From the link', signature: 'From the link' }, status: 201, answer: views.assetSchema, open: true },
	{ method: 'post', path: '/tus/{permission}/{asset}', tag: 'Upload', summary: 'Begin a resumable upload (tus 1.0: creation, creation-with-upload, termination, expiration). `Upload-Length` is the size that was signed; the answer names the upload in `Location`. Its HEAD, PATCH and DELETE are those of the protocol.', status: 201, contentType: 'text/plain', open: true },
	{ method: 'patch', path: '/tus/{permission}/{asset}/{upload}', tag: 'Upload', summary: 'Send bytes of a resumable upload from `Upload-Offset` on. The last one starts the ingest.', status: 204, contentType: 'text/plain', open: true },
	{ method: 'delete', path: '/tus/{permission}/{asset}/{upload}', tag: 'Upload', summary: 'Throw away what has come of a resumable upload. It can be begun anew as long as the link works.', status: 204, contentType: 'text/plain', open: true },
	{ method: 'post', path: '/direct-uploads/{permission}/{asset}/parts', tag: 'Upload', summary: 'Links to the parts of an upload straight to the store, in pages.', body: requests.partsRequestSchema, status: 200, answer: views.partsAnswerSchema, open: true, secret: true },
	{ method: 'post', path: '/direct-uploads/{permission}/{asset}/complete', tag: 'Upload', summary: 'The store has all bytes: looks whether it has, and starts the ingest. The same again answers the same.', status: 200, answer: views.assetSchema, open: true, secret: true },
	{ method: 'post', path: '/direct-uploads/{permission}/{asset}/abort', tag: 'Upload', summary: 'Give up an upload straight to the store: its bytes go, its asset fails.', status: 200, answer: views.assetSchema, open: true, secret: true },
	{ method: 'get', path: '/files/{key}', tag: 'Upload', summary: 'A stored file, with ranges. The signed link is the permission.', query: { expires: 'From the link', signature: 'From the link' }, status: 200, contentType: 'application/octet-stream', open: true },
	{ method: 'get', path: '/packages/{permission}/{key}', tag: 'Upload', summary: 'A manifest (HLS, DASH) or any file of its folder, with ranges. The permission in the path is for the whole folder, so that players reach the segments.', status: 200, contentType: 'application/octet-stream', open: true },
	{ method: 'post', path: '/api/media/assets/{id}/renditions', tag: 'Operations', scope: 'write', summary: 'A link to a rendition that is made when it is first asked for.', body: requests.renditionRequestSchema, status: 200, answer: views.renditionAnswerSchema },
	{ method: 'get', path: '/renditions/{permission}/{asset}/{operation}/{params}', tag: 'Operations', summary: 'Makes the rendition, once, or finds it, and leads to its file. Not done within RENDITION_WAIT_SECONDS: 202 with Retry-After and the progress. HEAD starts nothing.', status: 302, open: true },
	{ method: 'post', path: '/api/media/distribute', tag: 'Distribute', scope: 'publish', summary: 'Publish posts, or (without posts) trigger the n8n distribute workflow.', body: requests.distributeRequestSchema, status: 202, answer: z.union([views.batchAcceptedSchema, z.object({ asset_id: z.string(), message: z.string() })]) },
	{ method: 'post', path: '/api/media/distribute-callback', tag: 'Distribute', scope: 'publish', summary: 'Posts that somebody else made are stored and linked to their asset.', body: requests.distributeCallbackSchema, status: 200, answer: listOf('posts', views.postSchema) },
	{ method: 'get', path: '/api/media/posts', tag: 'Distribute', scope: 'read', summary: 'Newest posts first, with their numbers over time.', query: { asset_id: 'Only of this asset', platform: 'Only on this platform', account: 'Only of this account', status: 'published, scheduled, failed, unknown, needs_reauth, deleted …', experiment: 'Only of this experiment', since: 'ISO 8601', limit: '1 to 500, default 50' }, status: 200, answer: listOf('posts', views.measuredPostSchema) },
	{ method: 'get', path: '/api/media/callbacks', tag: 'Callbacks', scope: 'read', summary: 'Callbacks and why they were not delivered.', query: { status: 'pending, delivered, dead, obsolete', limit: '1 to 500, default 50' }, status: 200, answer: listOf('callbacks', views.callbackViewSchema) },
	{ method: 'post', path: '/api/media/callbacks/{id}/redeliver', tag: 'Callbacks', scope: 'write', summary: 'Deliver a callback again.', status: 202, answer: views.callbackViewSchema },
	{ method: 'post', path: '/api/media/webhooks', tag: 'Webhooks', scope: 'write', summary: 'Register an address that is told of events. The answer holds the secret that they are signed with, this once.', body: webhooks.webhookRequestSchema, status: 201, answer: webhooks.webhookCreatedSchema, secret: true },
	{ method: 'get', path: '/api/media/webhooks', tag: 'Webhooks', scope: 'read', summary: 'Registered webhooks, newest first, and how each fares.', status: 200, answer: listOf('webhooks', webhooks.webhookSchema) },
	{ method: 'get', path: '/api/media/webhooks/{id}', tag: 'Webhooks', scope: 'read', summary: 'One webhook.', status: 200, answer: webhooks.webhookSchema },
	{ method: 'post', path: '/api/media/webhooks/{id}/enable', tag: 'Webhooks', scope: 'write', summary: 'Send to a disabled webhook again. What it missed can be delivered again with /api/media/callbacks/{id}/redeliver.', status: 200, answer: webhooks.webhookSchema },
	{ method: 'delete', path: '/api/media/webhooks/{id}', tag: 'Webhooks', scope: 'write', summary: 'Nothing is sent to it any more, not even what waits for it.', status: 200, answer: z.object({ id: z.string(), deleted: z.literal(true) }) },
	{ method: 'post', path: '/api/media/retention', tag: 'Service', scope: 'admin', summary: 'What the daily clean-up would delete in this workspace; with dry_run false it is deleted now.', body: retention.cleanUpRequestSchema, status: 200, answer: retention.cleanUpReportSchema },
	{ method: 'get', path: '/api/media/usage', tag: 'Service', scope: 'read', summary: 'What the workspace has used, by operation and together: CPU seconds, bytes, units of providers.', query: { from: 'Date or time; default 30 days before `to`', to: 'Date or time, not included; default now' }, status: 200, answer: views.usageViewSchema },
	{ method: 'get', path: '/api/media/quota', tag: 'Service', scope: 'read', summary: 'What the workspace holds and may hold: bytes, assets, jobs at once.', status: 200, answer: quotaViewSchema },
	{ method: 'get', path: '/api/media/ai', tag: 'Service', scope: 'read', summary: 'For each task of AI who serves it now, in which order providers are asked, and why others cannot.', status: 200, answer: aiReportSchema },
	{ method: 'get', path: '/api/media/workspace/settings', tag: 'Service', scope: 'read', summary: 'What the workspace has decided for itself: quotas, checks of files, what becomes of originals, retention.', status: 200, answer: workspaceSettingsSchema },
	{ method: 'patch', path: '/api/media/workspace/settings', tag: 'Service', scope: 'admin', summary: 'Change settings: what is named changes, null resets. Answers all of them. `quotas` take the scope `platform`.', body: settingsChangeSchema, status: 200, answer: workspaceSettingsSchema },
	{ method: 'post', path: '/api/media/keys', tag: 'Keys', scope: 'admin', summary: 'Make an API key of the workspace. It is in the answer, this once.', body: tenancy.keyRequestSchema, status: 201, answer: tenancy.apiKeyCreatedSchema, secret: true },
	{ method: 'get', path: '/api/media/keys', tag: 'Keys', scope: 'admin', summary: 'The keys that work, newest first, without themselves.', status: 200, answer: listOf('keys', tenancy.apiKeySchema) },
	{ method: 'post', path: '/api/media/keys/{id}/rotate', tag: 'Keys', scope: 'admin', summary: 'A new key in place of this one, which goes on working for the grace time.', body: tenancy.rotateRequestSchema, status: 201, answer: tenancy.apiKeyCreatedSchema, secret: true },
	{ method: 'delete', path: '/api/media/keys/{id}', tag: 'Keys', scope: 'admin', summary: 'The key stops working at once.', status: 200, answer: z.object({ id: z.string(), deleted: z.literal(true) }) },
	{ method: 'post', path: '/api/media/workspaces', tag: 'Keys', scope: 'platform', summary: 'Make a workspace. Its first key is in the answer, this once.', body: tenancy.workspaceRequestSchema, status: 201, answer: tenancy.workspaceCreatedSchema, secret: true },
	{ method: 'get', path: '/api/media/workspaces', tag: 'Keys', scope: 'platform', summary: 'All workspaces.', status: 200, answer: listOf('workspaces', tenancy.workspaceSchema) },
	{ method: 'delete', path: '/api/media/workspaces/{id}', tag: 'Keys', scope: 'platform', summary: 'Delete an empty workspace; with `force=true` everything that is in it, files included. Cut off in the middle, the same request goes on.', query: { force: 'true: with all that is in it' }, status: 200, answer: z.object({ id: z.string(), deleted: z.literal(true) }) },
	{ method: 'get', path: '/api/media/workspaces/{id}/settings', tag: 'Keys', scope: 'platform', summary: 'The settings of a workspace, quotas included.', status: 200, answer: workspaceSettingsSchema },
	{ method: 'patch', path: '/api/media/workspaces/{id}/settings', tag: 'Keys', scope: 'platform', summary: 'Change the settings of a workspace, its quotas among them, which it cannot change itself.', body: workspaceSettingsChangeSchema, status: 200, answer: workspaceSettingsSchema },
	{ method: 'post', path: '/api/media/workspaces/{id}/keys', tag: 'Keys', scope: 'platform', summary: 'Make an API key of another workspace, e.g. because it has lost its own. It is in the answer, this once.', body: tenancy.workspaceKeyRequestSchema, status: 201, answer: tenancy.apiKeyCreatedSchema, secret: true },
	{ method: 'get', path: '/api/media/audit', tag: 'Keys', scope: 'admin', summary: 'Who did what in the workspace, oldest first, streamed.', query: { from: 'ISO 8601', to: 'ISO 8601, not included', format: 'json, csv, ndjson; default json', limit: 'Rows, 1 to 1000000, default 10000' }, status: 200, answer: listOf('entries', auditEntrySchema) },
	{ method: 'get', path: '/api/media/whoami', tag: 'Service', scope: 'any', summary: 'The workspace of the API key; the test of the n8n credential.', status: 200, answer: z.object({ workspace_id: z.string(), version: z.string() }) },
	{ method: 'get', path: '/healthz', tag: 'Service', summary: 'The process lives.', status: 200, answer: z.object({ status: z.string() }), open: true },
	{ method: 'get', path: '/readyz', tag: 'Service', summary: 'The process can work; 503 names what is missing.', status: 200, answer: z.object({ status: z.string(), problems: z.array(z.string()) }), open: true },
];

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> => {
	const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' });
	return rest;
};

/** All routes, those of the operations included. */
export function routesOf(operations: Iterable<Operation>): Route[] {
	const all = [...routes];
	for (const operation of operations) {
		const body = requests.operationRequestSchema.extend({ params: operation.params });
		const takes = operation.accepts === 'none' ? '' : ` Takes ${operation.accepts.join(', ')}.`;
		all.push({ method: 'post', path: `/${operation.name}`, tag: 'Operations', scope: scopeOfOperation(operation.name), summary: `${operation.summary}${takes}`, body, status: 202, answer: views.operationAcceptedSchema });
	}
	return all;
}

/** OpenAPI 3.1, made from the same schemas that check the requests, and from every operation's own. */
export function openApi(operations: Iterable<Operation>, publicUrl: string, version: string): Record<string, unknown> {
	const known = [...operations];
	const all = routesOf(known);
	const examples = new Map<string, unknown>();
	for (const operation of known) examples.set(`/${operation.name}`, { file_url: 'https://example.com/video.mp4', params: operation.example, callback_url: 'https://example.com/callback' });
	const paths: Record<string, Record<string, unknown>> = {};
	for (const route of all) (paths[route.path] ??= {})[route.method] = describeRoute(route, examples.get(route.path));
	return {
		openapi: '3.1.0',
		info: { title: 'Media pipeline sidecar', version, description: 'Send media, get it back finished. Every long piece of work is a job; its end is reported by callback, by server-sent events, and on request.' },
		servers: [{ url: publicUrl }],
		security: [{ apiKey: [] }],
		paths,
		webhooks: {
			batchFinished: { post: { summary: 'Sent to `callback_url` of a batch, signed (Standard Webhooks).', requestBody: json(jsonSchema(views.batchCallbackSchema, 'output')), responses: { '200': { description: 'Received' } } } },
			event: { post: { summary: 'Sent to registered webhooks, signed with the secret of each.', requestBody: json(jsonSchema(webhooks.webhookEventSchema, 'output')), responses: { '200': { description: 'Received' } } } },
			jobFinished: { post: { summary: 'Sent to `callback_url` of a single operation, signed.', requestBody: json(jsonSchema(views.jobCallbackSchema, 'output')), responses: { '200': { description: 'Received' } } } },
		},
		components: {
			securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } },
			schemas: { Error: jsonSchema(views.errorAnswerSchema, 'output') },
		},
	};
}

const json = (schema: Record<string, unknown>, example?: unknown) => ({ content: { 'application/json': { schema, ...(example === undefined ? {} : { example }) } } });

function describeRoute(route: Route, example: unknown): Record<string, unknown> {
	const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
	const inQuery = Object.entries(route.query ?? {}).map(([name, description]) => ({ name, in: 'query', description, schema: { type: 'string' } }));
	const idempotency = route.method === 'post' && !route.secret ? [{ name: 'Idempotency-Key', in: 'header', description: 'The same key and body again give the same answer and do nothing new.', schema: { type: 'string', maxLength: 255 } }] : [];
	return {
		tags: [route.tag],
		summary: route.summary,
		...(route.scope && route.scope !== 'any' ? { description: `Needs a key with the scope \`${route.scope}\` (${SCOPE_TEXTS[route.scope]}).` } : {}),
		parameters: [...inPath, ...inQuery, ...idempotency],
		...(route.body ? { requestBody: { required: true, ...json(jsonSchema(route.body, 'input'), example) } } : {}),
		...(route.open ? { security: [] } : {}),
		responses: {
			[route.status]: {
				description: 'OK',
				...(route.answer ? json(jsonSchema(route.answer, 'output')) : { content: { [route.contentType ?? 'application/octet-stream']: {} } }),
			},
			default: { description: 'What is wrong, where, and what to do.', ...json({ $ref: '#/components/schemas/Error' }) },
		},
	};
}
