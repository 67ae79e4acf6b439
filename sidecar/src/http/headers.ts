import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** A year, as the preload lists ask for. */
const HSTS_SECONDS = 31_536_000;

/**
 * Headers of every answer. The policy is that of JSON: nothing may be loaded, nobody may frame it. Pages and files (docs, players, media)
 * replace it by their own; `X-Frame-Options` is left out, because `frame-ancestors` says the same and can be replaced with the rest.
 */
export function securityHeaders(publicUrl: string): RequestHandler {
	return helmet({
		contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] } },
		frameguard: false,
		// Only who is reached by TLS may promise it; and only for this host, not for its neighbours.
		hsts: publicUrl.startsWith('https://') ? { maxAge: HSTS_SECONDS, includeSubDomains: false } : false,
		crossOriginResourcePolicy: { policy: 'same-origin' },
		referrerPolicy: { policy: 'no-referrer' },
	});
}

/** The page of the API: its scripts come from here, Swagger UI sets styles in elements and shows pictures from its style sheet. */
export const docsHeaders: RequestHandler = helmet.contentSecurityPolicy({
	useDefaults: false,
	directives: {
		defaultSrc: ["'none'"],
		scriptSrc: ["'self'"],
		styleSrc: ["'self'", "'unsafe-inline'"],
		imgSrc: ["'self'", 'data:'],
		fontSrc: ["'self'", 'data:'],
		connectSrc: ["'self'"],
		frameAncestors: ["'none'"],
		baseUri: ["'none'"],
		formAction: ["'none'"],
	},
});

/** A day: what a page may do changes only with the configuration. */
const PREFLIGHT_SECONDS = 86_400;

/**
 * Which pages may call the API from a browser. None by default: a key of the API does not belong into a page. With `*` any may, without
 * cookies, as ever: the key is in a header that the page must know.
 */
export function apiCors(origins: readonly string[]): RequestHandler {
	return (request, response, next) => {
		const origin = request.get('origin');
		if (origins.length === 0) return next();
		response.vary('Origin');
		if (origin === undefined || !(origins.includes('*') || origins.includes(origin))) return next();
		response.set({
			'Access-Control-Allow-Origin': origins.includes('*') ? '*' : origin,
			'Access-Control-Expose-Headers': 'RateLimit, RateLimit-Policy, Retry-After, X-Request-Id',
		});
		if (request.method !== 'OPTIONS') return next();
		response
			.set({
				'Access-Control-Allow-Methods': 'GET, POST, PUT, PATCH, DELETE',
				'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID',
				'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
			})
			.status(204)
			.end();
	};
}
