/** First lines of every generated file. */
export const GENERATED = '<!-- Generated from the code by `npm run docs`. Do not edit: change the code, and run it again. -->\n';

/** A Markdown table. Bars and line breaks in cells are escaped. */
export function table(head: string[], rows: string[][]): string {
	const line = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
	return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (value: unknown): string => `\`${typeof value === 'string' && value !== '' ? value : JSON.stringify(value)}\``;

/** A fenced block that folds away nothing and wraps nothing. */
export const fence = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``;

export type JsonSchema = {
	type?: string | string[];
	description?: string;
	default?: unknown;
	enum?: unknown[];
	const?: unknown;
	minimum?: number;
	maximum?: number;
	minLength?: number;
	maxLength?: number;
	minItems?: number;
	maxItems?: number;
	format?: string;
	pattern?: string;
	items?: JsonSchema;
	properties?: Record<string, JsonSchema>;
	required?: string[];
	anyOf?: JsonSchema[];
	oneOf?: JsonSchema[];
};

/** Largest whole number of JSON: zod's way of saying "no limit". */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** What a value may be, in words: `integer, 144 to 4320`. */
export function describeType(schema: JsonSchema): string {
	if (schema.const !== undefined) return code(schema.const);
	if (schema.enum) return schema.enum.map(code).join(', ');
	const several = schema.anyOf ?? schema.oneOf;
	if (several) return several.map(describeType).join(' or ');
	if (schema.type === 'array') return `list of ${describeType(schema.items ?? {})}${span(schema.minItems, schema.maxItems, 'entries')}`;
	if (schema.type === 'object') return schema.properties ? `object {${Object.keys(schema.properties).map(code).join(', ')}}` : 'object';
	if (schema.type === 'string') {
		if (schema.format) return { uuid: 'UUID', 'date-time': 'time, ISO 8601', uri: 'URL' }[schema.format] ?? schema.format;
		if (schema.pattern) return `text matching ${code(schema.pattern)}`;
		return `text${span(schema.minLength, schema.maxLength, 'characters')}`;
	}
	return `${Array.isArray(schema.type) ? schema.type.join(' or ') : (schema.type ?? 'any')}${span(schema.minimum, schema.maximum, '')}`;
}

function span(least: number | undefined, most: number | undefined, unit: string): string {
	const from = least !== undefined && least > -NO_LIMIT ? least : undefined;
	const to = most !== undefined && most < NO_LIMIT ? most : undefined;
	const words = unit === '' ? '' : ` ${unit}`;
	if (from !== undefined && to !== undefined) return `, ${from} to ${to}${words}`;
	if (to !== undefined) return `, at most ${to}${words}`;
	return from !== undefined && from > (unit === '' ? 0 : 1) ? `, at least ${from}${words}` : '';
}
