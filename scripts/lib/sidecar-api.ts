import type { Asset, BatchView, Job, SignAnswer } from '../../nodes/shared/wire.d.ts';

export interface ProcessView {
	asset: Asset;
	jobs: Job[];
	progress: { total: number; completed: number; failed: number };
}

export interface Post {
	id: string;
	platform: string;
	status: string;
	text: string;
	external_post_id: string | null;
	permalink: string | null;
	error: { code: string; message: string } | null;
	published_at: string | null;
}

export interface CallbackEntry {
	id: string;
	kind: string;
	batch_id: string | null;
	status: 'pending' | 'delivered' | 'dead' | 'obsolete';
	attempts: number;
	last_http_status: number | null;
	reason: string | null;
}

/** One entry of GET /api/media/events. */
export interface PipelineEvent {
	id: string;
	type: string;
	data: Record<string, unknown>;
}

export class SidecarApiError extends Error {
	readonly status: number;
	readonly code: string | undefined;
	constructor(status: number, body: string) {
		const error = errorOf(body);
		super(error?.message ?? `The sidecar answered ${status}: ${body.slice(0, 300)}`);
		this.name = 'SidecarApiError';
		this.status = status;
		this.code = error?.code;
	}
}

function errorOf(body: string): { code: string; message: string } | undefined {
	try {
		return (JSON.parse(body) as { error?: { code: string; message: string } }).error;
	} catch {
		return undefined;
	}
}

/** A small client of the sidecar, for the demo and the end-to-end tests. */
export class SidecarApi {
	readonly url: string;
	readonly #key: string;
	constructor(url: string, apiKey: string) {
		this.url = url;
		this.#key = apiKey;
	}

	process(body: Record<string, unknown>): Promise<{ asset: Asset; jobs: Job[]; message: string }> {
		return this.request('POST', '/api/media/process', body);
	}

	processView(assetId: string): Promise<ProcessView> {
		return this.request('GET', `/api/media/process?asset_id=${assetId}`);
	}

	job(id: string): Promise<Job> {
		return this.request('GET', `/api/media/jobs/${id}`);
	}

	async jobs(): Promise<Job[]> {
		return (await this.request<{ jobs: Job[] }>('GET', '/api/media/jobs?limit=200')).jobs;
	}

	asset(id: string): Promise<Asset> {
		return this.request('GET', `/api/media/assets/${id}`);
	}

	batch(id: string): Promise<BatchView> {
		return this.request('GET', `/api/media/batches/${id}`);
	}

	async posts(assetId: string): Promise<Post[]> {
		return (await this.request<{ posts: Post[] }>('GET', `/api/media/posts?asset_id=${assetId}`)).posts;
	}

	async callbacks(): Promise<CallbackEntry[]> {
		return (await this.request<{ callbacks: CallbackEntry[] }>('GET', '/api/media/callbacks')).callbacks;
	}

	/** Stores a file as a new asset, and answers its id. */
	async upload(bytes: Uint8Array<ArrayBuffer>, fileName: string, mime: string): Promise<string> {
		const signed = await this.request<SignAnswer>('POST', '/api/media/sign', { file_name: fileName, file_size: bytes.length, mime_type: mime });
		const response = await fetch(signed.upload_url, { method: signed.method, headers: signed.headers, body: bytes });
		if (!response.ok) throw new SidecarApiError(response.status, await response.text());
		return signed.asset_id;
	}

	/** Server-sent events, until the signal ends it. Throws when the connection breaks. */
	async *events(query: string, signal: AbortSignal): AsyncGenerator<PipelineEvent> {
		const response = await fetch(`${this.url}/api/media/events?${query}`, { headers: this.#headers(), signal });
		if (!response.ok || !response.body) throw new SidecarApiError(response.status, await response.text());
		let text = '';
		const decoder = new TextDecoder();
		for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
			text += decoder.decode(chunk, { stream: true });
			const blocks = text.split('\n\n');
			text = blocks.pop() ?? '';
			for (const block of blocks) {
				const event = parseEvent(block);
				if (event) yield event;
			}
		}
	}

	async request<T>(method: string, path: string, body?: unknown): Promise<T> {
		const response = await fetch(this.url + path, {
			method,
			headers: this.#headers(),
			body: body === undefined ? null : JSON.stringify(body),
		});
		const text = await response.text();
		if (!response.ok) throw new SidecarApiError(response.status, text);
		return JSON.parse(text) as T;
	}

	#headers(): Record<string, string> {
		return { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' };
	}
}

function parseEvent(block: string): PipelineEvent | undefined {
	const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
	const data = fields.get('data');
	if (!data) return undefined;
	return { id: fields.get('id') ?? '', type: fields.get('event') ?? 'message', data: JSON.parse(data) as Record<string, unknown> };
}
