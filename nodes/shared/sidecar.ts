import {
	NodeApiError,
	sleep,
	type IDataObject,
	type IExecuteFunctions,
	type IHookFunctions,
	type IHttpRequestMethods,
	type ILoadOptionsFunctions,
} from 'n8n-workflow';
import { readHttpFailure } from './httpError';
import { isRecord } from './parameters';
import type { Asset, AssetChange, AssetList, BatchAccepted, BatchRequest, BatchView, ListAnswer, ListRequest, PipelineList, SignAnswer, SignRequest } from './wire';

export const SIDECAR_CREDENTIAL = 'mediaSidecarApi';

/** Answers of the sidecar come from its database, not from the work itself: a minute is far more than they need. */
const REQUEST_TIMEOUT_MS = 60_000;

/** For a page of a slow place the sidecar allows itself 120 seconds: its own words are to arrive. */
const LIST_TIMEOUT_MS = 130_000;

/** The sidecar counts requests in windows of a minute: after the second pause at the latest there is room again, unless others use it up. */
const PAUSES_AT_MOST = 3;
const LONGEST_PAUSE_SECONDS = 65;

/** Who asks: a node that runs, a trigger that is being activated, a list in the editor. */
export type SidecarContext = IExecuteFunctions | IHookFunctions | ILoadOptionsFunctions;

interface SidecarRequest {
	method: IHttpRequestMethods;
	/** Starts with a slash. */
	path: string;
	body?: unknown;
	headers?: IDataObject;
	/** Default: a minute. */
	timeoutMs?: number;
}

interface SidecarResponse {
	statusCode: number;
	headers?: IDataObject;
	body: unknown;
}

/** The sidecar's address without a slash at the end. */
export async function sidecarUrl(context: SidecarContext): Promise<string> {
	const credential = await context.getCredentials<{ url: string }>(SIDECAR_CREDENTIAL);
	return String(credential.url).trim().replace(/\/+$/, '');
}

export async function submitBatch(
	context: IExecuteFunctions,
	request: BatchRequest,
	idempotencyKey: string,
): Promise<BatchAccepted> {
	const answer = await call(context, {
		method: 'POST',
		path: '/api/media/batch',
		body: request,
		headers: { 'Idempotency-Key': idempotencyKey },
	});
	return answer as BatchAccepted;
}

export async function readBatch(context: IExecuteFunctions, batchId: string): Promise<BatchView> {
	const path = `/api/media/batches/${encodeURIComponent(batchId)}`;
	return (await call(context, { method: 'GET', path })) as BatchView;
}

export async function signUpload(context: IExecuteFunctions, request: SignRequest): Promise<SignAnswer> {
	return (await call(context, { method: 'POST', path: '/api/media/sign', body: request })) as SignAnswer;
}

const assetPath = (id: string): string => `/api/media/assets/${encodeURIComponent(id)}`;

export async function readAssetById(context: SidecarContext, id: string): Promise<Asset> {
	return (await call(context, { method: 'GET', path: assetPath(id) })) as Asset;
}

export async function listAssets(context: SidecarContext, query: Record<string, string>): Promise<AssetList> {
	return (await call(context, { method: 'GET', path: `/api/media/assets?${new URLSearchParams(query).toString()}` })) as AssetList;
}

export async function changeAsset(context: SidecarContext, id: string, change: AssetChange): Promise<Asset> {
	return (await call(context, { method: 'PATCH', path: assetPath(id), body: change })) as Asset;
}

export async function removeAsset(context: SidecarContext, id: string): Promise<object> {
	return (await call(context, { method: 'DELETE', path: assetPath(id) })) as object;
}

export async function listPipelines(context: SidecarContext): Promise<PipelineList> {
	return (await call(context, { method: 'GET', path: '/api/media/pipelines' })) as PipelineList;
}

/** One page of a folder, feed or bucket. */
export async function listSource(context: SidecarContext, request: ListRequest): Promise<ListAnswer> {
	return (await call(context, { method: 'POST', path: '/api/media/sources/list', body: request, timeoutMs: LIST_TIMEOUT_MS })) as ListAnswer;
}

/**
 * One request to the sidecar, with the credential's key. Refused as one too many within a minute, it is sent again when there is room.
 * @throws NodeApiError with the sidecar's own words, or with the URL and what to check when nobody answered
 */
export async function call(context: SidecarContext, request: SidecarRequest): Promise<unknown> {
	const url = await sidecarUrl(context);
	let response = await send(context, url, request);
	for (let paused = 0; paused < PAUSES_AT_MOST; paused++) {
		const seconds = pauseAskedFor(response);
		if (seconds === null || cancelled(context)) break;
		await sleep(seconds * 1000);
		response = await send(context, url, request);
	}
	if (response.statusCode >= 200 && response.statusCode < 300 && isRecord(response.body)) return response.body;
	const refusal = new NodeApiError(
		context.getNode(),
		{ message: `HTTP ${response.statusCode}` },
		describeRefusal(`${url}${request.path}`, response),
	);
	refusal.context.refusedItems = namedItems(response.body);
	throw refusal;
}

async function send(context: SidecarContext, url: string, request: SidecarRequest): Promise<SidecarResponse> {
	try {
		return (await context.helpers.httpRequestWithAuthentication.call(context, SIDECAR_CREDENTIAL, {
			method: request.method,
			url: `${url}${request.path}`,
			body: request.body as IDataObject,
			headers: request.headers ?? {},
			json: true,
			timeout: request.timeoutMs ?? REQUEST_TIMEOUT_MS,
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			// A redirect means a wrong base URL; following it would turn the POST into a GET.
			disableFollowRedirect: true,
		})) as SidecarResponse;
	} catch (error) {
		const { cause, reason } = readHttpFailure(error);
		throw new NodeApiError(context.getNode(), cause, describeUnreachable(url, reason));
	}
}

/** Seconds to wait before the same request is sent again: it was refused for being one too many, and did nothing. Null: for other reasons. */
export function pauseAskedFor({ statusCode, headers }: Pick<SidecarResponse, 'statusCode' | 'headers'>): number | null {
	if (statusCode !== 429) return null;
	const seconds = Number(headers?.['retry-after']);
	return Number.isFinite(seconds) && seconds >= 0 && seconds <= LONGEST_PAUSE_SECONDS ? seconds : null;
}

const cancelled = (context: SidecarContext): boolean => 'getExecutionCancelSignal' in context && context.getExecutionCancelSignal()?.aborted === true;

/** Which items of the batch the refusal speaks of: its details name fields such as `items.2.params.height`. */
export function namedItems(body: unknown): number[] {
	const error = isRecord(body) && isRecord(body.error) ? body.error : {};
	const details = isRecord(error.details) ? error.details : {};
	const problems: unknown[] = [details, ...(Array.isArray(details.problems) ? (details.problems as unknown[]) : [])];
	const items = problems.flatMap((problem) => {
		const match = isRecord(problem) ? /^items\.(\d+)(?:\.|$)/.exec(String(problem.field)) : null;
		return match ? [Number(match[1])] : [];
	});
	return [...new Set(items)];
}

export interface ErrorDescription {
	message: string;
	description: string;
	httpCode?: string;
}

/** Nobody answered: name the address and what usually is wrong. */
export function describeUnreachable(url: string, reason: string): ErrorDescription {
	return {
		message: `The media sidecar does not answer at ${url}`,
		description:
			`Reason: ${reason}. Check that the sidecar runs, and that the "Sidecar URL" in the credential can be reached from n8n ` +
			'itself: inside Docker, 127.0.0.1 is the container of n8n; use the service name of the sidecar instead.',
	};
}

/** It answered, but not with what was asked for. */
export function describeRefusal(url: string, response: SidecarResponse): ErrorDescription {
	const httpCode = String(response.statusCode);
	const error = isRecord(response.body) && isRecord(response.body.error) ? response.body.error : undefined;
	if (response.statusCode === 401) {
		return {
			httpCode,
			message: 'The media sidecar refuses the API key',
			description: 'Compare the "API Key" of the credential with the key that the sidecar printed at its first start.',
		};
	}
	if (error && typeof error.message === 'string') {
		const details = isRecord(error.details) ? ` Details: ${JSON.stringify(error.details)}` : '';
		return { httpCode, message: error.message, description: `Code: ${String(error.code)}.${details}` };
	}
	return {
		httpCode,
		message: `Unexpected answer (HTTP ${httpCode}) from ${url}`,
		description:
			'This does not look like the media sidecar. Check the "Sidecar URL" of the credential: scheme, host and port, and no path.',
	};
}
