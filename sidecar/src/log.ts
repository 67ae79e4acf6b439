import { pino, type Logger } from 'pino';

/**
 * JSON lines on standard output. Errors are reduced to what helps and cannot hold secrets: libraries hang requests, headers
 * and whole configurations on theirs.
 */
export function createLogger(level: string): Logger {
	return pino({ level, base: null, serializers: { err: describeError } });
}

interface DescribedError {
	name: string;
	message: string;
	code?: string;
	stack?: string;
	cause?: DescribedError;
}

/** Causes are followed five deep: drizzle, driver, socket, and two of ours. */
export function describeError(error: unknown, depth = 5): DescribedError {
	if (!(error instanceof Error)) return { name: typeof error, message: String(error).slice(0, 2000) };
	return {
		name: error.name,
		message: withoutQueries(error.message).slice(0, 2000),
		...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
		...(error.stack ? { stack: withoutQueries(error.stack).slice(0, 4000) } : {}),
		...(error.cause !== undefined && error.cause !== null && depth > 0 ? { cause: describeError(error.cause, depth - 1) } : {}),
	};
}

/** The query of a URL is where tokens and signatures stand. */
const withoutQueries = (text: string): string => text.replace(/(https?:\/\/[^\s?"']+)\?[^\s"')]+/g, '$1?…');
