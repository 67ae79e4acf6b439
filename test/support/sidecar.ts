import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Asset, Job, PublicError, SignAnswer } from '../../nodes/shared/wire.js';
import { startSidecar, type Sidecar } from '../../sidecar/src/main.ts';
import { prepareDatabase } from './pglite.ts';

/** Every field that a JSON answer of the sidecar may have; which ones it has is what the tests are about. */
export interface Answer extends Omit<Job, 'status'>, Omit<Asset, 'status' | 'error' | 'id' | 'created_at'>, Omit<SignAnswer, 'asset_id'> {
	status: string;
	asset: Asset;
	jobs: Job[];
	posts: Array<Record<string, unknown>>;
	callbacks: Array<Record<string, unknown> & { id: string; reason: string }>;
	progress: Job['progress'] & { total: number; completed: number; failed: number };
	message: string;
	/** Of a rendition. */
	url: string;
	job_id: string;
	batch_id: string;
	error: PublicError;
}

export interface Api {
	status: number;
	headers: Headers;
	body: Answer;
}

export interface TestSidecar extends Sidecar {
	folder: string;
	/** A request with the API key; JSON in, JSON out. */
	call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Api>;
	close(): Promise<void>;
}

/** The whole sidecar, as it is started in earnest, in a folder of its own on a free port. */
export async function startTestSidecar(environment: Record<string, string> = {}): Promise<TestSidecar> {
	const folder = environment['DATA_DIR'] ?? (await mkdtemp(join(tmpdir(), 'sidecar-')));
	if (!environment['DATABASE_URL']) await prepareDatabase(join(folder, 'database'));
	const sidecar = await startSidecar({
		PORT: '0',
		HOST: '127.0.0.1',
		DATA_DIR: folder,
		API_KEY: 'test-api-key-0123456789',
		CALLBACK_SECRET: 'whsec_dGVzdC1zZWNyZXQtdGVzdC1zZWNyZXQ=',
		// Tests ask as fast as they can.
		API_REQUESTS_PER_MINUTE: '1000000',
		LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
		...environment,
	});
	const call: TestSidecar['call'] = async (method, path, body, headers = {}) => {
		const response = await fetch(path.startsWith('http') ? path : `${sidecar.url}${path}`, {
			method,
			headers: { authorization: `Bearer ${sidecar.apiKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		return { status: response.status, headers: response.headers, body: (response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : { message: text }) as Answer };
	};
	return {
		...sidecar,
		folder,
		call,
		close: async () => {
			await sidecar.stop();
			if (!environment['DATA_DIR']) await rm(folder, { recursive: true, force: true });
		},
	};
}

export const key = () => randomUUID();
