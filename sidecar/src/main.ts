import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { startOutbox } from './callbacks/outbox.ts';
import { createSender } from './callbacks/send.ts';
import { createSigner, createTriggerSigner, printableSecret } from './callbacks/sign.ts';
import { checkBaseUrls } from './compose/base-urls.ts';
import { composeKeys } from './compose/keys.ts';
import { composeSources } from './compose/sources.ts';
import { startWatching, watchProblems } from './compose/watch.ts';
import { composeStorage, createBackEnds, type BackEnds } from './compose/storage.ts';
import { ConfigError, readConfig, type Config } from './config.ts';
import type { OpenDatabase } from './db/database.ts';
import { openPglite, openPostgres } from './db/open.ts';
import { ensureDefaultWorkspace } from './db/workspaces.ts';
import { createApp } from './http/app.ts';
import type { HttpDeps } from './http/deps.ts';
import { EventFeed } from './http/events.ts';
import { createLogger } from './log.ts';
import { availableEncoders, canToneMap, checkFfmpeg, hasVmaf, runPlan as runFfmpeg } from './media/engine.ts';
import { checkFonts } from './media/font-choice.ts';
import { findHardware, onHardware, type HardwareEncoder } from './media/hardware.ts';
import { probe } from './media/probe.ts';
import { createGuard, type Guard } from './net/guard.ts';
import { composeAi } from './ai/routing/compose-ai.ts';
import type { AiParts } from './ai/routing/create-ai.ts';
import { createLanguageDetector } from './ai/local/language.ts';
import { createPace } from './db/pace.ts';
import { createRateLimiter } from './db/rate-limiter.ts';
import { createPostLedger } from './db/posts.ts';
import { createGiveFeedback, type GiveFeedback } from './operations/ai/give-feedback.ts';
import { createAiOperations } from './operations/ai/index.ts';
import { indexMetadata, type TellLanguage } from './operations/ai/index-metadata.ts';
import { createLibrary, type Library } from './operations/ai/library.ts';
import { createRemoveBackground } from './operations/enhance/remove-background.ts';
import { createStyleTransfer } from './operations/enhance/style-transfer.ts';
import { createUpscale } from './operations/enhance/upscale.ts';
import { limitRequests } from './http/request-limits.ts';
import { LONGEST_RESUMABLE_SECONDS } from './http/sign.ts';
import { isUploadAskedFor } from './http/tus.ts';
import { createMediaOperations, createRegistry } from './operations/registry.ts';
import type { Operation } from './operations/operation.ts';
import { createSocialOperations } from './operations/social/index.ts';
import { createFittedFiles } from './pipeline/fitted-files.ts';
import { createRefusePublishing } from './pipeline/publishable.ts';
import { createResolveMedia } from './pipeline/resolve-media.ts';
import { createPlatforms } from './social/platforms.ts';
import { createAuditTrail } from './ops/audit-trail.ts';
import { prune } from './ops/prune.ts';
import { startCleanUp } from './ops/retention/schedule.ts';
import { startLoop, type Loop } from './pipeline/loop.ts';
import { tidyChunks } from './pipeline/chunks.ts';
import { reconcile } from './pipeline/reconcile.ts';
import { reconcileUploads } from './pipeline/uploads.ts';
import { startWorker, type Worker } from './pipeline/worker.ts';
import type { WorkerDeps } from './pipeline/worker-deps.ts';
import { createPgBossQueue } from './queue/pg-boss.ts';
import { composeScanner } from './scan/compose.ts';
import type { Keys, Vault } from './secrets.ts';
import type { Storage } from './storage/storage.ts';
import { fileLink } from './storage/signed-url.ts';

export const VERSION = '0.1.0';

/** How often leases, deadlines and lost messages are looked after. */
const RECONCILE_EVERY_MS = 5000;
/** A request waits for it. */
const REINDEX_MS = 20_000;
const STARTING = JSON.stringify({ error: { code: 'internal', message: 'The sidecar is starting. Try again in a second.' } });
const PRUNE_EVERY_MS = 3_600_000;

export interface Sidecar {
	/** Base URL on this machine. */
	url: string;
	apiKey: string;
	/** As the n8n credential wants it: `whsec_…` */
	callbackSecret: string;
	/** Running jobs go back to the queue; then the server, the loops and the database are closed. */
	stop(): Promise<void>;
}

/** Builds and starts everything. Throws ConfigError with every problem at once. */
export async function startSidecar(environment: Record<string, string | undefined>): Promise<Sidecar> {
	const config = readConfig(environment);
	const log = createLogger(config.LOG_LEVEL);
	const dataDir = resolve(config.DATA_DIR);
	await mkdir(dataDir, { recursive: true }).catch((error: Error) => {
		throw new ConfigError([`DATA_DIR: ${dataDir} cannot be made (${error.message}). Choose a folder that this user may write.`]);
	});
	const { keys, vault, signingKey, startResealing } = await composeKeys(dataDir, config, log);
	const backEnds = createBackEnds(config, dataDir);
	const guard = createGuard({ allowedPrivateHosts: config.ALLOWED_PRIVATE_HOSTS, allowHttp: config.ALLOW_HTTP });
	const hardware = await findHardware(config.ROLE === 'api' ? 'off' : config.HARDWARE_ENCODER);
	await check(config, guard, backEnds, hardware.problem);
	const runPlan = await createRunPlan(config, hardware.encoder, log);
	const ai = await composeAi({ config, environment, guard, runPlan, log });

	const database = config.DATABASE_URL
		? await openPostgres({ url: config.DATABASE_URL, schemaName: config.DATABASE_SCHEMA, poolSize: 10 })
		: await openPglite(join(dataDir, 'database'));
	const storage = await composeStorage(backEnds, config, database.db);
	// A worker serves no requests: a key that it made for itself must not replace the one that callers use.
	if (config.ROLE !== 'worker') await ensureDefaultWorkspace(database.db, keys.apiKey);
	const queue = createPgBossQueue({
		database,
		schemaName: config.DATABASE_SCHEMA === 'public' ? 'pgboss' : `${config.DATABASE_SCHEMA}_queue`,
		onError: (error) => log.error({ err: error }, 'queue'),
	});
	await queue.start();

	// Its address is needed before it can answer: whoever is early is told so. Without an answer, a client would wait for ever.
	let answer: RequestListener = (request, response) => response.writeHead(isUploadAskedFor(request) ? 423 : 503, { 'content-type': 'application/json', 'retry-after': '1', 'cache-control': 'no-store' }).end(STARTING);
	const server = createServer((request, response) => answer(request, response));
	// One request may bring a whole resumable upload; node's own limit is five minutes. A body that stops coming is cut much earlier (http/silence.ts).
	server.requestTimeout = LONGEST_RESUMABLE_SECONDS * 1000;
	limitRequests(server);
	const port = await listen(server, config);
	const publicUrl = config.PUBLIC_URL?.replace(/\/+$/, '') ?? `http://127.0.0.1:${port}`;
	const fileUrl = (key: string): string => fileLink(signingKey, publicUrl, key, new Date(Date.now() + config.FILE_URL_TTL_SECONDS * 1000));

	// The loops and the things they work with know each other: the loops are put in below.
	const loops: { worker: Worker | null; outbox: Loop | null; feed: EventFeed | null; reconciler: Loop | null; pruner: Loop | null; cleaner: Loop | null } = {
		worker: null,
		outbox: null,
		feed: null,
		reconciler: null,
		pruner: null,
		cleaner: null,
	};
	const callbackGuard = guardForCallbacks(guard, config);
	const send = createSender(callbackGuard);
	const sign = createSigner(keys.callbackSecret);
	const workRoot = join(dataDir, 'work');
	const scanner = composeScanner(config, log);
	const readiness = async (): Promise<string[]> => {
		const problems: string[] = [];
		await database.executeSql('select 1').catch(() => problems.push('The database does not answer.'));
		await storage.prepare().catch((error: Error) => problems.push(error.message));
		await scanner?.ping().catch((error: Error) => problems.push(error.message));
		return problems;
	};
	const detector = createLanguageDetector();
	const tellLanguage: TellLanguage = (text, signal) => detector.detect(text, { signal });
	const finding = { db: database.db, embedder: ai.ai.embed, tellLanguage };
	const library = createLibrary({ ...finding, fileUrl });
	const giveFeedback = createGiveFeedback(finding);
	if (database.vectors) log.warn(database.vectors);
	const deps: HttpDeps & WorkerDeps = {
		database,
		db: database.db,
		queue,
		vault,
		storage,
		audit: createAuditTrail(database.db, log),
		log,
		operations: await buildOperations({ config, guard, vault, storage, database, fileUrl, runPlan, ai, library, giveFeedback, tellLanguage }),
		triggers: { process: config.N8N_WEBHOOK_URL ?? null, distribute: config.N8N_DISTRIBUTE_WEBHOOK_URL ?? null },
		wake: { jobs: () => loops.worker?.wake(), callbacks: () => loops.outbox?.wake(), events: () => loops.feed?.wake() },
		send,
		sign,
		signTrigger: createTriggerSigner(keys.webhookSecret),
		fileUrl,
		signingKey,
		publicUrl,
		player: { name: config.PLAYER_NAME, color: config.PLAYER_COLOR, embedOrigins: config.EMBED_ORIGINS },
		delivery: { mode: config.DELIVERY, xAccelPrefix: config.X_ACCEL_PREFIX, corsOrigins: config.CORS_ORIGINS },
		rateLimits: { limiter: createRateLimiter(database), requestsPerMinute: config.API_REQUESTS_PER_MINUTE, failuresPerMinute: config.AUTH_FAILURES_PER_MINUTE },
		trustProxy: config.TRUST_PROXY,
		apiCorsOrigins: config.API_CORS_ORIGINS,
		maxFileBytes: config.MAX_FILE_BYTES,
		maxUploadBytes: config.MAX_UPLOAD_BYTES,
		uploadFolder: join(dataDir, 'uploads'),
		uploadUrlTtlSeconds: config.UPLOAD_URL_TTL_SECONDS,
		renditionWaitSeconds: config.RENDITION_WAIT_SECONDS,
		library,
		giveFeedback,
		reindex: (asset) => indexMetadata(finding, asset, AbortSignal.timeout(REINDEX_MS)),
		checkCallbackUrl: (url) => callbackGuard.checkAddress(url),
		version: VERSION,
		readiness,
		aiReport: () => ai.report(),
		...composeSources(config, guard),
		probe,
		runPlan,
		reportProgress: (sealedUrl, body) => {
			const text = JSON.stringify(body);
			void send({ url: vault.open(sealedUrl), headers: { 'content-type': 'application/json', ...sign(randomUUID(), text) }, body: text });
		},
		scanner,
		scanOptional: config.CLAMD_OPTIONAL,
		decodeThreads: config.FFMPEG_THREADS,
		reuseResults: config.REUSE_RESULTS,
		mergeJobs: config.MERGE_JOBS,
		chunkSeconds: config.CHUNK_SECONDS_MIN,
		workRoot,
		workerId: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
		concurrency: config.CONCURRENCY ?? availableParallelism(),
		jobTimeoutSeconds: config.JOB_TIMEOUT_SECONDS,
	};

	if (config.ROLE !== 'worker') {
		loops.feed = new EventFeed(deps);
		answer = createApp(deps, loops.feed);
	} else {
		answer = (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
	}
	loops.outbox = startOutbox(deps);
	if (config.ROLE !== 'api') {
		const alone = database.kind === 'pglite';
		await sweep(workRoot, alone);
		// Nobody but this process works on an embedded database: what is "being worked on" was left by a crash.
		await reconcile(deps, { everything: alone });
		loops.worker = startWorker(deps);
	}
	const lookAfter = async (): Promise<number> => {
		await reconcile(deps);
		await reconcileUploads(deps);
		await tidyChunks(deps);
		return RECONCILE_EVERY_MS;
	};
	loops.reconciler = startLoop(RECONCILE_EVERY_MS, lookAfter, (error) => log.error({ err: error }, 'reconcile'));
	if (config.ROLE !== 'api') loops.cleaner = startCleanUp(deps, config.CLEAN_UP_HOURS);
	const watcher = config.ROLE === 'api' ? null : startWatching(config, deps);
	loops.pruner = startLoop(PRUNE_EVERY_MS, () => prune(database.db, { auditDays: config.AUDIT_DAYS }).then(() => PRUNE_EVERY_MS), (error) => log.error({ err: error }, 'prune'));
	const resealing = startResealing(database.db);
	const url = `http://127.0.0.1:${port}`;
	log.info({ url, public_url: publicUrl, database: database.kind, role: config.ROLE, concurrency: deps.concurrency, data_dir: dataDir }, 'the sidecar is up');
	if (keys.generated.length > 0) announce(keys, dataDir);

	return {
		url,
		apiKey: keys.apiKey,
		callbackSecret: printableSecret(keys.callbackSecret),
		stop: async () => {
			server.close();
			server.closeAllConnections();
			await Promise.all([resealing.stop(), watcher?.stop(), loops.reconciler?.stop(), loops.pruner?.stop(), loops.cleaner?.stop(), loops.worker?.stop(), loops.outbox?.stop(), loops.feed?.stop()]);
			await deps.audit.close();
			await detector.close();
			storage.close();
			await queue.stop();
			await database.close();
		},
	};
}

interface Adapters {
	config: Config;
	guard: Guard;
	vault: Vault;
	storage: Storage;
	fileUrl(key: string): string;
	database: OpenDatabase;
	runPlan: typeof runFfmpeg;
	ai: AiParts;
	library: Library;
	giveFeedback: GiveFeedback;
	tellLanguage: TellLanguage;
}

/** The engine, told what this ffmpeg lacks. */
async function createRunPlan({ ROLE, FFMPEG_THREADS: threads, HARDWARE_ENCODER }: Config, encoder: HardwareEncoder | null, log: Logger): Promise<typeof runFfmpeg> {
	const toneMapping = ROLE === 'api' || (await canToneMap());
	if (!toneMapping) log.warn('this ffmpeg has no zscale: HDR videos keep their colours and look washed out on ordinary screens');
	// Nobody waits for it: only burn_subtitles needs more than one font, and says what is missing when it is.
	if (ROLE !== 'api') void checkFonts().then((missing) => missing.forEach((problem) => log.warn(problem)), (error: unknown) => log.warn({ err: error }, 'the fonts could not be looked at'));
	if (HARDWARE_ENCODER !== 'off') log.info({ hardware: encoder?.hardware ?? null, instead: [...(encoder?.instead ?? [])] }, 'looked for a hardware encoder');
	return onHardware((request) => runFfmpeg({ ...request, limits: { toneMapping, ...(threads ? { threads } : {}), ...request.limits } }), encoder);
}

/** Every operation with the adapters it uses. */
async function buildOperations({ config, guard, vault, storage, database, fileUrl, runPlan, ai: { ai, transformers }, library, giveFeedback, tellLanguage }: Adapters): Promise<ReadonlyMap<string, Operation>> {
	const engine = { runPlan };
	return createRegistry([
		...createMediaOperations({ encoders: config.ROLE === 'api' ? null : await availableEncoders(), vmaf: config.ROLE !== 'api' && (await hasVmaf()) }),
		createRemoveBackground(transformers),
		createUpscale(transformers),
		createStyleTransfer(transformers),
		...createAiOperations({ ai, engine, db: database.db, facesAllowed: config.ALLOW_FACES, library, giveFeedback, tellLanguage }),
		...createSocialOperations({
			db: database.db,
			platforms: createPlatforms({ settings: config, guard }),
			publish: { ledger: createPostLedger(database.db), vault, pace: (account) => createPace(database.db, account) },
			resolveMedia: createResolveMedia({ db: database.db, storage, probe, fileUrl }),
			fitting: { runPlan, probe, files: createFittedFiles({ storage, fileUrl }) },
			refusePublishing: createRefusePublishing(database.db),
		}),
	]);
}

/** Everything that can be found out before anything is opened, reported together. */
async function check(config: Config, guard: Guard, backEnds: BackEnds, hardwareProblem: string | null): Promise<void> {
	const problems = config.ROLE === 'api' ? [] : await checkFfmpeg();
	if (hardwareProblem) problems.push(hardwareProblem);
	problems.push(...(await watchProblems(config)));
	problems.push(...(await backEnds.prepare()));
	problems.push(...checkBaseUrls(config, guard));
	if (problems.length > 0) throw new ConfigError(problems);
}

/** n8n mostly runs beside the sidecar, on a private address; the operator named it, so callbacks may go there. */
function guardForCallbacks(guard: Guard, config: Config): Guard {
	const hosts = [config.N8N_WEBHOOK_URL, config.N8N_DISTRIBUTE_WEBHOOK_URL].flatMap((url) => (url ? [new URL(url).host] : []));
	return hosts.length > 0 ? guard.withAllowed(hosts) : guard;
}

function listen(server: Server, config: Config): Promise<number> {
	return new Promise((done, fail) => {
		server.once('error', (error: NodeJS.ErrnoException) => {
			fail(error.code === 'EADDRINUSE' ? new ConfigError([`PORT: ${config.PORT} is in use. Stop the other program, or choose another PORT.`]) : error);
		});
		server.listen(config.PORT, config.HOST, () => done((server.address() as AddressInfo).port));
	});
}

/** A week: longer than any job may take. */
const ABANDONED_AFTER_MS = 7 * 24 * 3_600_000;

/** Scratch folders that a crash left behind. Where other workers may share the folder, only old ones. */
async function sweep(workRoot: string, alone: boolean): Promise<void> {
	await mkdir(workRoot, { recursive: true });
	for (const name of await readdir(workRoot)) {
		const path = join(workRoot, name);
		const { mtimeMs } = await stat(path);
		if (alone || Date.now() - mtimeMs > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
	}
}

/** Printed once, not logged: the log may be kept by others. */
function announce(keys: Keys, dataDir: string): void {
	const lines = [`First start: keys were made and written to ${join(dataDir, 'keys.json')}. Keep that file.`];
	const made = (name: Keys['generated'][number]): boolean => keys.generated.includes(name);
	if (made('API_KEY')) lines.push(`  API key          ${keys.apiKey}`);
	if (made('CALLBACK_SECRET')) lines.push(`  Callback secret  ${printableSecret(keys.callbackSecret)}`);
	if (made('API_KEY') || made('CALLBACK_SECRET')) lines.push('Put these into the n8n credential "Media Sidecar API".');
	if (made('N8N_WEBHOOK_SECRET')) lines.push(`  Webhook secret   ${keys.webhookSecret}`, 'Put this into an n8n credential "Header Auth" with the name X-Media-Pipeline-Secret, for the Webhook nodes of the templates.');
	process.stderr.write(`${lines.join('\n')}\n`);
}

async function main(): Promise<void> {
	const sidecar = await startSidecar(process.env);
	let stopping = false;
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		process.on(signal, () => {
			if (stopping) return;
			stopping = true;
			sidecar.stop().then(
				() => process.exit(0),
				() => process.exit(1),
			);
		});
	}
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
	main().catch((error: unknown) => {
		process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
		process.exit(1);
	});
}
