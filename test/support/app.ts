import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { absent } from '../../sidecar/src/ai/routing/absent.ts';
import { createApp } from '../../sidecar/src/http/app.ts';
import type { HttpDeps } from '../../sidecar/src/http/deps.ts';
import { EventFeed } from '../../sidecar/src/http/events.ts';
import { createGiveFeedback } from '../../sidecar/src/operations/ai/give-feedback.ts';
import { createLibrary } from '../../sidecar/src/operations/ai/library.ts';
import { createAuditTrail } from '../../sidecar/src/ops/audit-trail.ts';
import { deriveSigningKey, fileLink } from '../../sidecar/src/storage/signed-url.ts';
import type { TestPipeline } from './pipeline.ts';

export interface TestApp {
	url: string;
	deps: HttpDeps;
	close(): Promise<void>;
}

export const SIGNING_KEY = deriveSigningKey('a key for tests');

/** The HTTP interface on a test's own pipeline: what it answers can be compared with the rows. */
export async function startTestApp(pipeline: TestPipeline, change: Partial<HttpDeps> = {}): Promise<TestApp> {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const fileUrl = (key: string): string => fileLink(SIGNING_KEY, url, key, new Date(Date.now() + 60_000));
	// Without a model: what words find is enough here.
	const finding = { db: pipeline.database.db, embedder: absent('There is no model in this test.').embed, tellLanguage: async () => null };
	const deps: HttpDeps = {
		...pipeline.deps,
		database: pipeline.database,
		audit: createAuditTrail(pipeline.database.db, pipeline.deps.log),
		signingKey: SIGNING_KEY,
		publicUrl: url,
		player: { name: 'Test Tube', color: '#2563eb', embedOrigins: ['*'] },
		delivery: { mode: 'proxy', xAccelPrefix: '/stored/', corsOrigins: ['*'] },
		fileUrl,
		maxFileBytes: 1_000_000,
		maxUploadBytes: 10_000_000,
		uploadFolder: join(pipeline.folder, 'uploads'),
		uploadUrlTtlSeconds: 60,
		renditionWaitSeconds: 20,
		checkCallbackUrl: async () => null,
		version: '0',
		readiness: async () => [],
		listSource: async () => ({ entries: [], skipped: [], cursor: null, hasMore: false }),
		aiReport: () => ({ capabilities: [], voice_activity: { provider: 'ffmpeg', obstacle: null } }),
		library: createLibrary({ ...finding, fileUrl }),
		giveFeedback: createGiveFeedback(finding),
		reindex: async () => null,
		...change,
	};
	const feed = new EventFeed(deps);
	server.on('request', createApp(deps, feed));
	return {
		url,
		deps,
		close: async () => {
			await feed.stop();
			server.close();
			server.closeAllConnections();
			await deps.audit.close();
		},
	};
}
