import { createHash, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { sql } from 'drizzle-orm';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createPostLedger, type PostLedger } from '../../../sidecar/src/db/posts.ts';
import { posts, workspaces } from '../../../sidecar/src/db/schema.ts';
import { completeFacts } from '../../../sidecar/src/media/facts.ts';
import { createVault } from '../../../sidecar/src/secrets.ts';
import { createAccountRun } from '../../../sidecar/src/social/account-run.ts';
import type { AccountRun, Platform, Post, PostMedia } from '../../../sidecar/src/social/platform.ts';
import type { PublishDependencies, PublishRequest } from '../../../sidecar/src/social/publish.ts';
import type { Account } from './stages/stage.ts';
import { openTestDatabase as openEmpty } from '../../support/pglite.ts';

export const WORKSPACE = 'default';

/** An empty database in memory with one workspace. */
export async function openTestDatabase(): Promise<OpenDatabase> {
	const database = await openEmpty();
	await database.db.insert(workspaces).values({ id: WORKSPACE, name: 'Default' }).onConflictDoNothing();
	return database;
}

/** The claims of a process that was killed run out; a test need not wait for it. */
export const expireClaims = ({ db }: OpenDatabase) => db.update(posts).set({ leaseUntil: sql`now() - interval '1 second'` });

/** A clock that a sleep moves: pauses cost no time. */
export function fakeClock() {
	let ahead = 0;
	const now = () => Date.now() + ahead;
	return {
		now,
		advance: (milliseconds: number) => (ahead += milliseconds),
		sleep: async (milliseconds: number, signal: AbortSignal) => {
			signal.throwIfAborted();
			ahead += milliseconds;
		},
	};
}
export type Clock = ReturnType<typeof fakeClock>;

/** A file of a known pattern (a 32-bit counter): bytes that change places show in the hash. */
export async function patternFile(folder: string, bytes: number, name = 'clip.mp4'): Promise<{ path: string; sha256: string }> {
	const content = Buffer.alloc(Math.ceil(bytes / 4) * 4);
	for (let at = 0; at < content.length; at += 4) content.writeUInt32BE(at / 4, at);
	const path = join(folder, name);
	const exact = content.subarray(0, bytes);
	await writeFile(path, exact);
	return { path, sha256: createHash('sha256').update(exact).digest('hex') };
}

export async function videoOf(folder: string, bytes: number, altText: string | null = null, name?: string): Promise<PostMedia> {
	const { path, sha256 } = await patternFile(folder, bytes, name);
	return {
		path,
		sha256,
		bytes,
		altText,
		url: null,
		mime: 'video/mp4',
		facts: completeFacts({
			mime: 'video/mp4',
			fileType: 'video',
			container: 'mov,mp4,m4a,3gp,3g2,mj2',
			bytes,
			durationSeconds: 10,
			bitrate: 2_000_000,
			video: { codec: 'h264', width: 1280, height: 720, frameRate: 30, pixelFormat: 'yuv420p', rotation: 0, bitrate: null },
			audio: { codec: 'aac', channels: 2, sampleRate: 48_000, bitrate: null },
		}),
	};
}

export async function imageOf(folder: string, bytes: number, name = 'picture.png'): Promise<PostMedia> {
	const { path, sha256 } = await patternFile(folder, bytes, name);
	return {
		path,
		sha256,
		bytes,
		altText: null,
		url: null,
		mime: 'image/png',
		facts: completeFacts({
			mime: 'image/png',
			fileType: 'image',
			container: 'png_pipe',
			bytes,
			durationSeconds: 0,
			bitrate: null,
			video: { codec: 'png', width: 800, height: 600, frameRate: 0, pixelFormat: 'rgb24', rotation: 0, bitrate: null },
			audio: null,
		}),
	};
}

export const postOf = (text: string, media: PostMedia[] = [], more: Partial<Post> = {}): Post => ({
	text,
	media,
	title: null,
	tags: [],
	link: null,
	cover: null,
	coverSeconds: null,
	subtitles: [],
	replyTo: null,
	visibility: null,
	language: null,
	sensitive: false,
	spoilerText: null,
	scheduledAt: null,
	...more,
});

/** What a process would be composed of. */
export function dependencies(database: OpenDatabase, clock: Clock, more: Partial<PublishDependencies> = {}): PublishDependencies {
	return {
		ledger: createPostLedger(database.db),
		vault: createVault('a key for tests, long enough'),
		now: () => new Date(clock.now()),
		sleep: clock.sleep,
		random: () => 0.5,
		maxWaitSeconds: 3_600,
		maxTurnSeconds: 3_600,
		...more,
	};
}

export function requestOf(stage: Account, post: Post, more: Partial<PublishRequest> = {}): PublishRequest {
	return {
		platform: stage.platform(),
		post: stage.post?.(post) ?? post,
		credentials: stage.credentials,
		settings: stage.settings ?? {},
		workspaceId: WORKSPACE,
		assetId: null,
		jobId: null,
		idempotencyKey: randomUUID(),
		signal: new AbortController().signal,
		log: pino({ level: 'silent' }),
		...more,
	};
}

/** A platform, and what its calls on behalf of an account may use. */
export function accountRunOf({ platform, credentials, settings = {} }: Account, clock: Clock): [Platform, AccountRun] {
	const request = { platform: platform(), credentials, settings, signal: new AbortController().signal, log: pino({ level: 'silent' }) };
	return [request.platform, createAccountRun({ now: () => new Date(clock.now()), sleep: clock.sleep, random: () => 0.5 }, request, () => null)];
}

export class Crash extends Error {}

/**
 * A ledger whose process dies at its nth write, just before or just after the write. From then on nothing works, and nothing
 * is tidied up.
 */
export function crashing(ledger: PostLedger, at: number, when: 'before' | 'after'): PostLedger & { died: boolean } {
	const state = { died: false };
	let writes = 0;
	const wrap =
		<A extends unknown[], R>(method: (...given: A) => Promise<R>, isWrite: boolean) =>
		async (...given: A): Promise<R> => {
			if (isWrite) writes += 1;
			const now = isWrite && writes === at;
			if (state.died || (now && when === 'before')) {
				state.died = true;
				throw new Crash('killed');
			}
			const result = await method(...given);
			if (now) {
				state.died = true;
				throw new Crash('killed');
			}
			return result;
		};
	return {
		findOrCreate: wrap(ledger.findOrCreate, true),
		find: wrap(ledger.find, false),
		ofJob: wrap(ledger.ofJob, false),
		ofKey: wrap(ledger.ofKey, false),
		claim: wrap(ledger.claim, true),
		renew: wrap(ledger.renew, true),
		save: wrap(ledger.save, true),
		arm: wrap(ledger.arm, true),
		disarm: wrap(ledger.disarm, true),
		storeRemote: wrap(ledger.storeRemote, true),
		complete: wrap(ledger.complete, true),
		refresh: wrap(ledger.refresh, true),
		markDeleted: wrap(ledger.markDeleted, true),
		settle: wrap(ledger.settle, true),
		get died() {
			return state.died;
		},
	};
}
