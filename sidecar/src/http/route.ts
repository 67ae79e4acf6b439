import type { RequestHandler, Response } from 'express';
import type { Operation } from '../operations/operation.ts';
import { routesOf, type Route } from './openapi.ts';

/** The route of a request, of those that the OpenAPI document lists, with what its address names. */
export interface Called {
	route: Route;
	params: Record<string, string>;
}

interface Pattern {
	route: Route;
	segments: string[];
}

const splitPath = (path: string): string[] => path.split('/').filter(Boolean);
const nameOf = (segment: string): string | null => /^\{(\w+)\}$/.exec(segment)?.[1] ?? null;

/** As Express does it: letters large or small, with or without a slash at the end; `{key}` takes all that is left. */
function match(segments: string[], given: string[]): Record<string, string> | null {
	const params: Record<string, string> = {};
	for (const [index, segment] of segments.entries()) {
		const value = given[index];
		if (value === undefined) return null;
		const name = nameOf(segment);
		if (name === 'key') return { ...params, key: given.slice(index).join('/') };
		if (name !== null) params[name] = value;
		else if (segment.toLowerCase() !== value.toLowerCase()) return null;
	}
	return given.length === segments.length ? params : null;
}

/** Finds the route of a request. Of two that fit, the one with fewer placeholders. */
export function createFindRoute(operations: Iterable<Operation>): (method: string, path: string) => Called | null {
	const byMethod = new Map<string, Pattern[]>();
	for (const route of routesOf(operations)) {
		const list = byMethod.get(route.method) ?? [];
		list.push({ route, segments: splitPath(route.path) });
		byMethod.set(route.method, list);
	}
	const placeholders = ({ segments }: Pattern): number => segments.filter((segment) => nameOf(segment) !== null).length;
	for (const list of byMethod.values()) list.sort((a, b) => placeholders(a) - placeholders(b));
	return (method, path) => {
		const name = method.toLowerCase();
		const given = splitPath(path);
		for (const { route, segments } of byMethod.get(name === 'head' ? 'get' : name) ?? []) {
			const params = match(segments, given);
			if (params) return { route, params };
		}
		return null;
	};
}

/** Notes which route is called, for `authorize` and for the audit log. On the whole address, hence before any router. */
export function nameRoute(operations: Iterable<Operation>): RequestHandler {
	const find = createFindRoute(operations);
	return (request, response, next) => {
		response.locals['called'] = find(request.method, request.path);
		next();
	};
}

export const calledOf = (response: Response): Called | null => (response.locals['called'] as Called | null | undefined) ?? null;
