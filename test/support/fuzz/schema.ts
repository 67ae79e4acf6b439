import type { Random } from './random.ts';

export interface JsonSchema {
	type?: string | string[];
	const?: unknown;
	enum?: unknown[];
	anyOf?: JsonSchema[];
	oneOf?: JsonSchema[];
	allOf?: JsonSchema[];
	properties?: Record<string, JsonSchema>;
	required?: string[];
	items?: JsonSchema;
	prefixItems?: JsonSchema[];
	format?: string;
	pattern?: string;
	minLength?: number;
	minItems?: number;
	minimum?: number;
	exclusiveMinimum?: number;
	default?: unknown;
	$ref?: string;
}

/** A value that the schema (mostly) allows, with ids that exist. Where it does not quite fit, that is one more wrong request. */
export function valueFor(schema: JsonSchema, random: Random, ids: readonly string[], depth = 0): unknown {
	if ('const' in schema) return schema.const;
	if (schema.enum && schema.enum.length > 0) return random.pick(schema.enum);
	const choice = schema.anyOf ?? schema.oneOf;
	if (choice && choice.length > 0) return valueFor(random.pick(choice), random, ids, depth);
	if (schema.default !== undefined && random.next() < 0.5) return schema.default;
	const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type;
	switch (type) {
		case 'object':
			return objectFor(schema, random, ids, depth);
		case 'array':
			return depth > 6 ? [] : Array.from({ length: Math.max(schema.minItems ?? 1, 1) }, () => valueFor(schema.items ?? {}, random, ids, depth + 1));
		case 'number':
		case 'integer':
			return schema.minimum ?? (schema.exclusiveMinimum === undefined ? 1 : schema.exclusiveMinimum + 1);
		case 'boolean':
			return random.next() < 0.5;
		case 'null':
			return null;
		default:
			return textFor(schema, random, ids);
	}
}

function objectFor(schema: JsonSchema, random: Random, ids: readonly string[], depth: number): Record<string, unknown> {
	const required = new Set(schema.required);
	const names = Object.keys(schema.properties ?? {}).filter((name) => required.has(name) || (depth < 4 && random.next() < 0.6));
	return Object.fromEntries(names.map((name) => [name, valueFor(schema.properties?.[name] ?? {}, random, ids, depth + 1)]));
}

function textFor({ format, minLength = 1 }: JsonSchema, random: Random, ids: readonly string[]): string {
	if (format === 'uuid') return random.pick(ids);
	if (format === 'uri') return 'https://media.invalid/video.mp4';
	if (format === 'date-time') return '2026-01-01T00:00:00Z';
	if (format === 'date') return '2026-01-01';
	return 'plain text'.padEnd(minLength, 'x');
}

/** Every place in a value: what can be replaced. */
export function placesIn(value: unknown, at: string[] = []): string[][] {
	if (typeof value !== 'object' || value === null) return [at];
	return [at, ...Object.entries(value).flatMap(([name, one]) => placesIn(one, [...at, name]))];
}

/** The value with another one at a place. */
export function replaced(value: unknown, [name, ...rest]: string[], by: unknown): unknown {
	if (name === undefined) return by;
	if (Array.isArray(value)) return value.map((one: unknown, at) => (String(at) === name ? replaced(one, rest, by) : one));
	const record = value as Record<string, unknown>;
	return { ...record, [name]: replaced(record[name], rest, by) };
}

/** The value without what is at a place. */
export function without(value: unknown, place: string[]): unknown {
	const [name, ...rest] = place;
	if (name === undefined) return undefined;
	if (Array.isArray(value)) return value.flatMap((one: unknown, at) => (String(at) !== name ? [one] : rest.length === 0 ? [] : [without(one, rest)]));
	const { [name]: one, ...others } = value as Record<string, unknown>;
	return rest.length === 0 ? others : { ...others, [name]: without(one, rest) };
}
