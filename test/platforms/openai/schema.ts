import { Refused } from './refused.ts';

export interface SchemaNode {
	type?: string | string[];
	properties?: Record<string, SchemaNode>;
	required?: string[];
	additionalProperties?: boolean;
	items?: SchemaNode;
	anyOf?: SchemaNode[];
	$defs?: Record<string, SchemaNode>;
	enum?: unknown[];
	const?: unknown;
}

/** https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas". */
const REFUSED = ['allOf', 'oneOf', 'not', 'dependentRequired', 'dependentSchemas', 'if', 'then', 'else', 'patternProperties', 'default', 'prefixItems', 'propertyNames'];
const MAX_DEPTH = 10;
const MAX_PROPERTIES = 5000;
const MAX_ENUM_VALUES = 1000;

/** Structured outputs: the root is an object, every object closed, every property required. */
export function checkStrict(root: SchemaNode): void {
	if (root.type !== 'object' || root.anyOf) throw new Refused(400, `Invalid schema: schema must be a JSON Schema of 'type: "object"', got 'type: "${String(root.type)}"'.`);
	const count = { properties: 0, values: 0 };
	check(root, 'schema', 1, count);
	if (count.properties > MAX_PROPERTIES) throw new Refused(400, `Invalid schema: ${count.properties} properties exceed ${MAX_PROPERTIES}.`);
	if (count.values > MAX_ENUM_VALUES) throw new Refused(400, `Invalid schema: ${count.values} enum values exceed ${MAX_ENUM_VALUES}.`);
}

function check(node: SchemaNode, path: string, depth: number, count: { properties: number; values: number }): void {
	if (depth > MAX_DEPTH) throw new Refused(400, `Invalid schema: nested deeper than ${MAX_DEPTH} levels at ${path}.`);
	const word = REFUSED.find((name) => name in node);
	if (word) throw new Refused(400, `Invalid schema: '${word}' is not permitted at ${path}.`);
	count.values += node.enum?.length ?? 0;
	if (node.type === 'object') {
		const names = Object.keys(node.properties ?? {});
		count.properties += names.length;
		if (node.additionalProperties !== false) throw new Refused(400, `Invalid schema: 'additionalProperties' is required to be supplied and to be false at ${path}.`);
		if (names.some((name) => !node.required?.includes(name))) throw new Refused(400, `Invalid schema: 'required' must name every property at ${path}.`);
		const extra = node.required?.find((name) => !names.includes(name));
		if (extra) throw new Refused(400, `Invalid schema: 'required' names ${extra}, which is no property, at ${path}.`);
		for (const name of names) check(node.properties?.[name] ?? {}, `${path}.${name}`, depth + 1, count);
	} else if (node.type === 'array') {
		if (!node.items) throw new Refused(400, `Invalid schema: array schema missing items at ${path}.`);
		check(node.items, `${path}[]`, depth + 1, count);
	}
	for (const part of node.anyOf ?? []) check(part, path, depth + 1, count);
	for (const part of Object.values(node.$defs ?? {})) check(part, path, depth, count);
}

/** A plausible answer: one object per combination of the enumerated properties of a list, some words elsewhere. */
export function fromSchema(node: SchemaNode, name = 'text'): unknown {
	if (node.const !== undefined) return node.const;
	if (node.enum) return node.enum[0];
	if (node.anyOf) return fromSchema(node.anyOf[0] ?? {}, name);
	if (node.type === 'object') return Object.fromEntries(Object.entries(node.properties ?? {}).map(([key, child]) => [key, fromSchema(child, key)]));
	if (node.type === 'array') return combinations(node.items ?? {}).map((item) => fromSchema(item, name));
	if (node.type === 'integer' || node.type === 'number') return 1;
	if (node.type === 'boolean') return false;
	return name === 'hashtags' || name === 'tags' ? 'video' : `A ${name.replaceAll('_', ' ')} written from what is seen and heard.`;
}

function combinations(item: SchemaNode): SchemaNode[] {
	let nodes = [item];
	for (const [key, child] of Object.entries(item.properties ?? {})) {
		const values = child.enum ?? (child.const === undefined ? null : [child.const]);
		if (values) nodes = nodes.flatMap((node) => values.map((value) => ({ ...node, properties: { ...node.properties, [key]: { const: value } } })));
	}
	return nodes;
}
