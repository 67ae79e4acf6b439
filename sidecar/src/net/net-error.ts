import { PipelineError } from '../errors.ts';

export type NetFailure = 'dns' | 'refused' | 'tls' | 'timeout' | 'reset' | 'protocol' | 'aborted';

/**
 * A request that brought no answer. `sent` tells what matters most: false means the other side has certainly not seen
 * the request, true means that its outcome is unknown (it may have been carried out).
 */
export class NetError extends Error {
	readonly kind: NetFailure;
	readonly sent: boolean;

	constructor(kind: NetFailure, sent: boolean, message: string, cause?: unknown) {
		super(message, { cause });
		this.name = 'NetError';
		this.kind = kind;
		this.sent = sent;
	}
}

/** Codes of node:tls and OpenSSL when the two sides do not agree on a secure connection. */
const TLS_CODE = /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH)/;
const DNS_CODES = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'ENODATA', 'ESERVFAIL', 'EREFUSED'];
const REFUSED_CODES = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EHOSTDOWN'];

/** Say nothing about the cause. */
const OWN_CODES_OF_AXIOS = /^ERR_(NETWORK|BAD|CANCELED|FR_)/;

/** A refusal of the guard as it is; anything else as NetError. `host` goes into the message. */
export function toNetError(error: unknown, host: string, sent: boolean): PipelineError | NetError {
	const chain = causes(error);
	const known = chain.find(
		(entry): entry is PipelineError | NetError => entry instanceof PipelineError || entry instanceof NetError,
	);
	if (known) return known;
	const codes = chain.map((entry) => String((entry as NodeJS.ErrnoException).code ?? ''));
	const code = codes.find((entry) => entry !== '' && !OWN_CODES_OF_AXIOS.test(entry)) ?? '';
	// The error of axios carries the whole request, headers and tokens included: a log must never get to see it.
	const cause = new Error(String((chain.at(-1) as Error | undefined)?.message ?? 'unknown'));
	if (DNS_CODES.includes(code)) {
		return new NetError(
			'dns',
			false,
			`${host} was not found. Check the spelling of the host name, and the DNS of the sidecar.`,
			cause,
		);
	}
	if (REFUSED_CODES.includes(code)) {
		return new NetError('refused', false, `${host} did not accept the connection (${code}).`, cause);
	}
	if (TLS_CODE.test(code)) {
		const message = `No secure connection to ${host}: its certificate or TLS set-up was not accepted (${code}).`;
		return new NetError('tls', sent, message, cause);
	}
	if (code === 'ETIMEDOUT') return new NetError('timeout', sent, `${host} did not answer in time.`, cause);
	if (code.startsWith('HPE_'))
		return new NetError('protocol', sent, `${host} answered something that is not HTTP.`, cause);
	return new NetError('reset', sent, `The connection to ${host} broke${code ? ` (${code})` : ''}.`, cause);
}

/** The error and what caused it, outermost first. Bounded: a cause may point back at itself. */
function causes(error: unknown): object[] {
	const chain: object[] = [];
	for (
		let entry = error;
		typeof entry === 'object' && entry !== null && chain.length < 8;
		entry = (entry as Error).cause
	) {
		chain.push(entry);
		// Several addresses were tried, each failed on its own.
		const inner: unknown[] = [(entry as Partial<AggregateError>).errors].flat();
		chain.push(...inner.filter((one): one is object => typeof one === 'object' && one !== null));
	}
	return chain;
}
