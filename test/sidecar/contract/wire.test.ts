import type { z } from 'zod';
import type * as wire from '../../../nodes/shared/wire.js';
import type { batchItemSchema, batchRequestSchema, signRequestSchema, sourceSchema } from '../../../sidecar/src/contract/requests.ts';
import {
	assetSchema,
	batchCallbackSchema,
	batchViewSchema,
	callbackViewSchema,
	jobSchema,
	type batchAcceptedSchema,
	type errorAnswerSchema,
	type outputFileSchema,
	type signAnswerSchema,
} from '../../../sidecar/src/contract/views.ts';
import type { webhookCreatedSchema } from '../../../sidecar/src/contract/webhooks.ts';
import type { AssetRow } from '../../../sidecar/src/db/assets.ts';
import type { BatchRow } from '../../../sidecar/src/db/batches.ts';
import type { CallbackRow } from '../../../sidecar/src/db/callbacks.ts';
import type { FileRow, JobRow } from '../../../sidecar/src/db/jobs.ts';
import type { ErrorCode } from '../../../sidecar/src/errors.ts';
import { assetView, batchJob, batchView, callbackView, jobView } from '../../../sidecar/src/pipeline/views.ts';

/**
 * What both sides write differently and JSON does not show: zod's `a?: T | undefined`, and error codes, which are a closed
 * list here while the nodes must live with the codes of a newer sidecar.
 */
type Normal<T> = [ErrorCode] extends [T] ? ([T] extends [string] ? string : Each<T>) : Each<T>;
type Each<T> = T extends (infer Item)[] ? Normal<Item>[] : T extends object ? { [Key in keyof T]: Normal<Exclude<T[Key], undefined>> } : T;
type Identical<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Same<A, B> = Identical<Normal<A>, Normal<B>>;

/** Does not compile (npm run typecheck) when nodes/shared/wire.d.ts and the zod schemas drift apart. */
const same: {
	job: Same<z.infer<typeof jobSchema>, wire.Job>;
	asset: Same<z.infer<typeof assetSchema>, wire.Asset>;
	outputFile: Same<z.infer<typeof outputFileSchema>, wire.OutputFile>;
	batchAccepted: Same<z.infer<typeof batchAcceptedSchema>, wire.BatchAccepted>;
	batchCallback: Same<z.infer<typeof batchCallbackSchema>, wire.BatchCallback>;
	batchView: Same<z.infer<typeof batchViewSchema>, wire.BatchView>;
	signAnswer: Same<z.infer<typeof signAnswerSchema>, wire.SignAnswer>;
	webhookCreated: Same<z.infer<typeof webhookCreatedSchema>, wire.WebhookCreated>;
	errorAnswer: Same<z.infer<typeof errorAnswerSchema>, wire.ErrorAnswer>;
	source: Same<z.input<typeof sourceSchema>, wire.Source>;
	batchItem: Same<z.input<typeof batchItemSchema>, wire.BatchItem>;
	// The API key names the workspace; the nodes need not.
	batchRequest: Same<Omit<z.input<typeof batchRequestSchema>, 'workspace_id'>, wire.BatchRequest>;
	signRequest: Same<Omit<z.input<typeof signRequestSchema>, 'workspace_id'>, wire.SignRequest>;
	// The comparison itself: it must tell these apart.
	null: Same<{ a: string }, { a: string | null }>;
	optional: Same<{ a: string }, { a?: string }>;
	missing: Same<{ a: string; b: string }, { a: string }>;
	status: Same<{ a: 'x' | 'y' }, { a: 'x' }>;
} = {
	job: true,
	asset: true,
	outputFile: true,
	batchAccepted: true,
	batchCallback: true,
	batchView: true,
	signAnswer: true,
	webhookCreated: true,
	errorAnswer: true,
	source: true,
	batchItem: true,
	batchRequest: true,
	signRequest: true,
	null: false,
	optional: false,
	missing: false,
	status: false,
};
void same;

const at = new Date('2026-01-01T00:00:00Z');
const job: JobRow = {
	id: 'job', workspaceId: 'acme', batchId: null, assetId: 'asset', itemIndex: 0, jobType: 'compress', status: 'completed', process: true, held: false, afterJobId: null,
	params: { height: 720 }, reuse: true, reuseKey: null, renditionKey: null, source: null, secret: 'v1.sealed', needsSecret: true, output: { ok: true }, error: null, externalJobId: null, attempts: 1, uncounted: 0, resent: 0,
	priority: 0, step: null, waitsForSlot: false, rank: 1, progress: 100, runAt: at, leaseUntil: null, workerId: 'w', estimatedSeconds: 1, steps: { ffmpeg: 5 }, cost: { cpu_seconds: 1 }, createdAt: at, startedAt: at, completedAt: at,
};
const asset: AssetRow = {
	id: 'asset', workspaceId: 'acme', source: 'url', sourceId: null, fileType: 'video', originalUrl: 'https://a.test/b', storageKey: 'raw/acme/asset.mp4', sha256: 'x', mime: 'video/mp4', bytes: 1,
	durationSeconds: 1, width: 1, height: 1, facts: null, status: 'failed', callbackUrl: 'v1.sealed', toldAt: null, ingestJobId: null, metadata: {}, error: { code: 'input_corrupt', message: 'Broken.' }, createdAt: at, updatedAt: at,
	version: 2, sameAs: null, originalState: 'stored', originalKey: null, originalBytes: null, publicAt: null, title: 'T', description: null, language: 'de', owner: null, expectedBytes: null,
};
const file: FileRow = { id: 'f', workspaceId: 'acme', assetId: 'asset', jobId: 'job', name: 'a.mp4', storageKey: 'jobs/acme/a.mp4', mime: 'video/mp4', bytes: 3, width: 4, height: 2, durationSeconds: 1, part: false, position: 0, createdAt: at };
const batch: BatchRow = { id: 'batch', workspaceId: 'acme', kind: 'batch', callbackUrl: 'v1.sealed', callbackUrlHash: 'x', progressUrl: null, deadlineAt: at, createdAt: at, completedAt: at };
const callback: CallbackRow = {
	id: 'c', workspaceId: 'acme', kind: 'batch', batchId: 'batch', assetId: null, webhookId: null, eventId: null, payload: {}, url: 'v1.sealed', urlHash: 'x', status: 'dead', attempts: 2, nextAt: at, leaseUntil: null, lastHttpStatus: 404,
	reason: 'gone', createdAt: at, endedAt: at,
};
const link = (key: string) => `https://files.test/${key}`;

describe('what is shown of a row', () => {
	it.each([
		['job', jobSchema.strict(), jobView(job, [file], link)],
		['asset', assetSchema.strict(), assetView(asset, [file], link)],
		['batch', batchViewSchema.strict(), batchView(batch, [job], [file], link)],
		['batch callback', batchCallbackSchema.strict(), { type: 'batch.finished', batch_id: 'batch', status: 'completed', jobs: [{ ...batchJob(job, [file], link), status: job.status }] }],
		['callback', callbackViewSchema.strict(), callbackView(callback)],
	])('is what the contract says, and no sealed text (%s)', (_name, schema, view) => {
		expect(schema.safeParse(JSON.parse(JSON.stringify(view))).error?.issues).toBeUndefined();
		expect(JSON.stringify(view)).not.toContain('sealed');
	});
});
