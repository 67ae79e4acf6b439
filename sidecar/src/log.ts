import { pino, type DestinationStream, type Logger } from 'pino';

/**
 * JSON lines on standard output. Errors are reduced to what helps and cannot hold secrets: libraries hang requests, headers
 * and whole configurations on theirs.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
	const options = { level, base: null, serializers: { err: describeError }, hooks: { streamWrite: withoutSecretMessages } };
	return destination ? pino(options, destination) : pino(options);
}

/** Where no text is given, pino takes the error's own message for it, and not from the serializer. */
const withoutSecretMessages = (line: string): string => {
	const from = line.includes('"err":') ? line.lastIndexOf(MESSAGE) : -1;
	if (from < 0) return line;
	const [begin, end] = [from + MESSAGE.length, line.lastIndexOf('}')];
	return line.slice(0, begin) + JSON.stringify(withoutSecrets(JSON.parse(line.slice(begin, end)) as string)) + line.slice(end);
};
/** Pino's last field. */
const MESSAGE = ',"msg":';

interface DescribedError {
	name: string;
	message: string;
	code?: string;
	stack?: string;
	cause?: DescribedError;
}

/** Causes are followed five deep: drizzle, driver, socket, and two of ours. */
export function describeError(error: unknown, depth = 5): DescribedError {
	if (!(error instanceof Error)) return { name: typeof error, message: withoutSecrets(String(error)).slice(0, 2000) };
	return {
		name: error.name,
		message: withoutSecrets(error.message).slice(0, 2000),
		...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
		...(error.stack ? { stack: withoutSecrets(error.stack).slice(0, 4000) } : {}),
		...(error.cause !== undefined && error.cause !== null && depth > 0 ? { cause: describeError(error.cause, depth - 1) } : {}),
	};
}

/**
 * Without what may open something: the query of a URL (tokens, signatures) and its user and password, the permission that stands in the
 * path of a link (`<expires>.<signature>`, storage/signed-url.ts), the value of an authorisation header, and the values of a failed SQL
 * statement.
 */
export const withoutSecrets = (text: string): string =>
	text
		.replace(/(Failed query: [\s\S]*?\nparams: )[\s\S]*?(?=\n\s+at |$)/g, '$1…')
		.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@?#"']+@/gi, '$1…@')
		.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s?"']+)\?[^\s"')]+/gi, '$1?…')
		.replace(/(\/\d{1,12}\.)[\w-]{43}(?![\w-])/g, '$1…')
		.replace(/\b(Bearer|Basic) +[\w.~+/=-]{8,}/gi, '$1 …');
