import type { JsonObject } from 'n8n-workflow';

/**
 * What n8n's HTTP helpers threw, as facts. The one with authentication throws a finished NodeApiError, and a NodeApiError
 * made from another one *is* that other one, whatever message it was given: so only these facts are passed on.
 */
export interface HttpFailure {
	/** HTTP status; undefined when nobody answered. */
	status: number | undefined;
	/** e.g. `connect ECONNREFUSED 127.0.0.1:8080` */
	reason: string;
	/** For the constructor of NodeApiError. */
	cause: JsonObject;
}

export function readHttpFailure(error: unknown): HttpFailure {
	const { httpCode, response, messages, message } = (error ?? {}) as {
		httpCode?: unknown;
		response?: { status?: unknown };
		messages?: unknown;
		message?: unknown;
	};
	const status = Number(response?.status ?? httpCode);
	// n8n keeps the words of the system here, and shows its own in `message`.
	const original: unknown = Array.isArray(messages) ? messages[0] : undefined;
	const reason = String(original ?? message ?? error);
	return { status: Number.isInteger(status) && status > 0 ? status : undefined, reason, cause: { message: 'request failed' } };
}
