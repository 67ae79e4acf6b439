import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Pace } from './pace.ts';
import type { Account, AccountRun, Credentials, Platform, Settings } from './platform.ts';

export interface RunDependencies {
	now?: () => Date;
	/** Waits, or throws the signal's reason. */
	sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
	/** 0 to 1, for the jitter of pauses. */
	random?: () => number;
	/** Longest wait for a throttled call inside one run; longer: the job is put back. Default 60. */
	maxWaitSeconds?: number;
	/** Longest wait inside one run for a turn under a rate limit: whoever waits keeps others from working. Default 2. */
	maxTurnSeconds?: number;
	/** Rate limits by account, shared by all workers (db/pace.ts). Absent: nobody counts. */
	pace?: (account: string) => Pace;
}

export interface AccountRequest {
	platform: Platform;
	credentials: Credentials;
	settings?: Settings;
	/** The call for which an earlier try was put back, by its `action`. Default: none. */
	waitedFor?: string | null;
	signal: AbortSignal;
	log: Logger;
}

/** What a call on behalf of an account may use. `account`: asked anew each time, as it becomes known on the way. */
export function createAccountRun(deps: RunDependencies, request: AccountRequest, account: () => Account | null): AccountRun {
	const { platform, credentials, settings = {}, waitedFor = null, signal, log } = request;
	const { now = () => new Date(), sleep = pause, random = Math.random, maxWaitSeconds = 60, maxTurnSeconds = 2 } = deps;
	return {
		credentials,
		settings,
		get account() {
			return account();
		},
		get pace() {
			return deps.pace?.(accountKey(platform, credentials, account())) ?? null;
		},
		signal,
		log,
		now,
		random,
		maxWaitSeconds,
		maxTurnSeconds,
		waitedFor,
		sleep: (milliseconds) => sleep(milliseconds, signal),
	};
}

/** Whose rate limit it is. Until the account is known, the token stands for it. */
function accountKey({ name }: Platform, { accessToken, baseUrl }: Credentials, account: Account | null): string {
	const host = baseUrl === null ? '' : new URL(baseUrl).host;
	const who = account ? account.id : `token:${createHash('sha256').update(accessToken).digest('hex').slice(0, 32)}`;
	return [name, host, who].join('|');
}

/** Waits; throws the signal's reason when it is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		if (signal.aborted) return reject(signal.reason as Error);
		const abort = () => {
			clearTimeout(timer);
			reject(signal.reason as Error);
		};
		const timer = setTimeout(() => {
			signal.removeEventListener('abort', abort);
			resolve();
		}, milliseconds);
		signal.addEventListener('abort', abort, { once: true });
	});
}
