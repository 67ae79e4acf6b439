import { homedir } from 'node:os';
import { ERROR_KINDS } from '../../../sidecar/src/errors.ts';
import type { Received } from './send.ts';

/** What an answer must never hold: places on the machine, parts of the program, SQL. */
const LEAKS: ReadonlyArray<[string, RegExp]> = [
	['a stack', /\bat (?:async )?[\w.<>[\] ]* ?\(?(?:file:|node:|\/)[^\s)]*:\d+:\d+/],
	['a path of the program', /node_modules|\/sidecar\/src\/|\/sidecar\/dist\/|\bnode:internal/],
	['SQL', /Failed query|\b(?:select|insert into|update|delete from) "\w+"|\bviolates (?:unique|foreign|not-null|check)|invalid (?:input syntax|byte sequence)|duplicate key value|relation "\w+"|column "\w+" (?:of|does)/i],
	['an error of the language', /Cannot read propert|is not a function|is not iterable|Maximum call stack|Unexpected token|\bundefined is not\b/],
];

/** Of the hostile values (values.ts), what would run. */
const INJECTED = /<script>(?:alert\(1\))?(?:<\/script>)?|javascript:alert/i;

export interface Judge {
	/** What is wrong with an answer; null: nothing. `page`: its errors may be pages. */
	(method: string, path: string, answer: Received, page?: boolean): string | null;
}

/**
 * `secrets`: what must be in no answer. `allowed5xx` says which answers of 500 and more an endpoint declares. The document of the
 * API itself speaks of SQL and paths, and is not looked at.
 */
export function createJudge(secrets: string[], allowed5xx: (path: string, status: number) => boolean): Judge {
	const hidden = [...secrets, process.cwd(), ...(homedir().length > 1 ? [`${homedir()}/`] : [])].filter(Boolean);
	return (method, path, { status, headers, body }, page = false) => {
		if (status >= 500 && !allowed5xx(path, status)) return `answers ${status}`;
		if (headers['x-injected'] !== undefined) return 'a header was injected';
		if (headers['x-powered-by'] !== undefined) return 'says what it is made with';
		if (path.startsWith('/openapi.json') || path.startsWith('/docs')) return null;
		const all = `${JSON.stringify(headers)}\n${body}`;
		const secret = hidden.find((one) => all.includes(one));
		if (secret !== undefined) return `tells a secret or a path of the machine (${secret.slice(0, 4)}…)`;
		const leak = LEAKS.find(([, pattern]) => pattern.test(all));
		if (leak) return `tells ${leak[0]}: ${leak[1].exec(all)?.[0]}`;
		const type = headers['content-type'] ?? '';
		if (type.startsWith('text/html')) {
			if (!headers['content-security-policy']?.includes('default-src')) return 'a page without a policy';
			if (INJECTED.test(body)) return 'a page shows markup that was sent';
			if (page) return null;
		}
		return status >= 400 && method !== 'HEAD' && status !== 416 ? judgeError(type, body) : null;
	};
}

function judgeError(type: string, body: string): string | null {
	if (!type.startsWith('application/json')) return `the error is no JSON (${type || 'no type'})`;
	let parsed: { error?: { code?: unknown; message?: unknown } };
	try {
		parsed = JSON.parse(body) as typeof parsed;
	} catch {
		return 'the error is no valid JSON';
	}
	const { code, message } = parsed.error ?? {};
	if (typeof code !== 'string' || !Object.hasOwn(ERROR_KINDS, code)) return `the code ${JSON.stringify(code)} is none of the list`;
	if (typeof message !== 'string' || message.trim() === '') return 'the error has no message';
	// An answer to a request of some bytes is not megabytes.
	return body.length > 200_000 ? `the error is ${body.length} characters long` : null;
}
