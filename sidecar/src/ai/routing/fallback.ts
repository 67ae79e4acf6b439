import type { Logger } from 'pino';
import { PipelineError, type ErrorCode } from '../../errors.ts';
import type { Answered, Provider } from '../provider.ts';

/** One provider of a task, as the routing names it. */
export interface Leg<P> {
	provider: P;
	/** For messages: `openai whisper-1`. */
	title: string;
	/** Null: any. */
	languages: readonly string[] | null;
}

export interface About<P> {
	/** Task, for messages: `transcribe`. */
	capability: string;
	signal: AbortSignal;
	/** Why this provider cannot do just this; null: it can. */
	obstacle(provider: P): string | null;
	/** Languages that this is about; undefined: unknown. Empty: none. */
	languages: ReadonlyArray<string | undefined>;
}

/** Errors after which another provider may do better. What is wrong with the input stays wrong. */
const FOR_OTHERS: readonly ErrorCode[] = [
	'provider_unavailable',
	'provider_rate_limited',
	'provider_rejected',
	'provider_key_refused',
	'provider_content_refused',
	'provider_answer_invalid',
	'provider_not_configured',
];
/** Of a program on this machine: it may lack memory, or choke on what others take. */
const FOR_OTHERS_IF_LOCAL: readonly ErrorCode[] = ['processing_failed', 'processing_timeout', 'processing_stalled'];

/**
 * Asks the first that can; where it fails in a way that is its own, the next one, and so on, each once. The answer of a
 * later one says so in its notes. What one hosted provider has refused is shown to no other, only to engines of this machine,
 * where it has said that it is for the content (`provider_content_refused`); another reason, or none, is like any other failure. When all have failed, the first error that can pass is thrown, else the first of all: a job
 * that may succeed later shall be tried again later. Never goes on after `signal`.
 */
export async function tryInTurn<P extends Provider, A extends Answered>(
	legs: ReadonlyArray<Leg<P>>,
	{ capability, signal, ...about }: About<P>,
	call: (provider: P) => Promise<A>,
	log?: Pick<Logger, 'warn'>,
): Promise<A> {
	const failed: Failed<P>[] = [];
	for (const leg of legs) {
		if (whyNot(leg, about) !== null) continue;
		if (leg.provider.name !== 'local' && failed.some(({ error }) => error.code === 'provider_content_refused')) continue;
		signal.throwIfAborted();
		try {
			const answer = await call(leg.provider);
			if (failed.length === 0) return answer;
			return { ...answer, notes: [`${reasons(failed)} ${leg.title} did it instead.`, ...(answer.notes ?? [])] };
		} catch (error) {
			signal.throwIfAborted();
			if (!isForOthers(error, leg.provider)) throw error;
			log?.warn({ err: error, capability, provider: leg.title }, 'a provider failed, the next one is asked');
			failed.push({ leg, error });
		}
	}
	const thrown = failed.find(({ error }) => error.retryable) ?? failed[0];
	if (!thrown) throw new PipelineError('provider_not_configured', obstacleOf(legs, { capability, ...about }) ?? `Nobody does ${capability}.`);
	if (failed.length === 1) throw thrown.error;
	const { code, message, details, retryAfterSeconds } = thrown.error;
	const tried = failed.map(({ leg: { title }, error }) => ({ provider: title, code: error.code, message: error.message }));
	const others = reasons(failed.filter((one) => one !== thrown));
	throw new PipelineError(code, `${thrown.leg.title}: ${message} ${others}`, { details: { ...details, tried }, cause: thrown.error, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
}

interface Failed<P> {
	leg: Leg<P>;
	error: PipelineError;
}

const reasons = (failed: ReadonlyArray<Failed<unknown>>): string => failed.map(({ leg: { title }, error }) => `${title} could not: ${error.message}`).join(' ');

function isForOthers(error: unknown, { name }: Provider): error is PipelineError {
	return error instanceof PipelineError && (FOR_OTHERS.includes(error.code) || (name === 'local' && FOR_OTHERS_IF_LOCAL.includes(error.code)));
}

/** Null: at least one can. Else every provider's reason. */
export function obstacleOf<P>(legs: ReadonlyArray<Leg<P>>, { capability, ...about }: Omit<About<P>, 'signal'>): string | null {
	if (legs.length === 0) return `No provider is configured for ${capability}: the list in the routing file is empty (AI_ROUTING_FILE).`;
	const reasons: string[] = [];
	for (const leg of legs) {
		const why = whyNot(leg, about);
		if (why === null) return null;
		reasons.push(`${leg.title}: ${why}`);
	}
	return `No provider can do this (${capability}). ${reasons.join(' ')}`;
}

function whyNot<P>({ provider, languages }: Leg<P>, about: Pick<About<P>, 'obstacle' | 'languages'>): string | null {
	if (languages) {
		const wrong = about.languages.find((language) => language === undefined || !languages.includes(language));
		const unknown = about.languages.includes(undefined);
		if (unknown || wrong !== undefined) return `It is configured for ${languages.join(', ')} only${unknown ? ', and the language is not known' : ''}.`;
	}
	return about.obstacle(provider);
}
