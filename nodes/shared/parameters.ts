import type { ReadParameter } from './operation';
import type { BatchItem } from './wire';

/** A parameter that cannot be used; the caller adds the node and the item. */
export class ParameterError extends Error {}

/** Text without surrounding blanks; `undefined` when empty. */
export function optionalText(read: ReadParameter, name: string): string | undefined {
	const value = read(name, '');
	if (value === undefined || value === null) return undefined;
	const text = String(value).trim();
	return text === '' ? undefined : text;
}

/** @param label the field's name as the user sees it */
export function requiredText(read: ReadParameter, name: string, label: string): string {
	const text = optionalText(read, name);
	if (text !== undefined) return text;
	throw new ParameterError(`"${label}" is empty. Fill it in, or check that its expression finds a value for this item.`);
}

/** A web address. What it may point to is the sidecar's decision. */
export function requiredUrl(read: ReadParameter, name: string, label: string): string {
	const text = requiredText(read, name, label);
	if (/^https?:\/\/[^\s]+$/i.test(text)) return text;
	throw new ParameterError(`"${label}" must be an address that starts with http:// or https://, but is "${text}".`);
}

/** JSON of a field that may hold text or, through an expression, a value; `undefined` when empty. */
export function optionalJson(read: ReadParameter, name: string, label: string): unknown {
	const value = read(name, undefined);
	if (typeof value !== 'string') return value ?? undefined;
	if (value.trim() === '') return undefined;
	try {
		return JSON.parse(value);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		return invalidJson(label, reason);
	}
}

function invalidJson(label: string, reason: string): never {
	throw new ParameterError(`"${label}" is not valid JSON: ${reason}`);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON object; `undefined` when empty. */
export function optionalObject(read: ReadParameter, name: string, label: string): Record<string, unknown> | undefined {
	const value = optionalJson(read, name, label);
	if (value === undefined) return undefined;
	if (isRecord(value)) return Object.keys(value).length > 0 ? value : undefined;
	throw new ParameterError(`"${label}" must be a JSON object such as {"campaign": "spring"}.`);
}

/** What is chosen in a list of several, or comes from an expression as a list or as text such as `de, fr`; `undefined` when there is nothing. */
export function readChoices(read: ReadParameter, name: string): string[] | undefined {
	const value = read(name, []);
	const list = Array.isArray(value) ? value.map(String) : String(value ?? '').split(/[,，、\n]/);
	const chosen = list.map((text) => text.trim()).filter((text) => text !== '');
	return chosen.length > 0 ? chosen : undefined;
}

/** @param label the field's name as the user sees it */
export function requiredChoices(read: ReadParameter, name: string, label: string): string[] {
	const chosen = readChoices(read, name);
	if (chosen) return chosen;
	throw new ParameterError(`"${label}" is empty. Choose at least one, or check that its expression finds a value for this item.`);
}

/** A copy without the entries that are undefined or empty text. */
export function withoutEmpty<T extends object>(params: T): T {
	return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined && value !== '')) as T;
}

/** The media of an operation that uses `sourceProperties`. */
export function readSource(read: ReadParameter): Pick<BatchItem, 'asset_id' | 'file_url'> {
	return read('source') === 'url'
		? { file_url: requiredUrl(read, 'fileUrl', 'File URL') }
		: { asset_id: requiredText(read, 'assetId', 'Asset ID') };
}

/** Media beside the source (a logo, music): the text is an asset ID or an address. Undefined when empty. */
export function optionalMediaInput(read: ReadParameter, name: string, label: string): { asset_id: string } | { file_url: string } | undefined {
	const text = optionalText(read, name);
	return text === undefined ? undefined : toMediaInput(text, label);
}

/** The same for a field that must be filled in. */
export const readMediaInput = (read: ReadParameter, name: string, label: string): { asset_id: string } | { file_url: string } =>
	toMediaInput(requiredText(read, name, label), label);

/** The same for several: one per line, or separated by commas, or a list from an expression. */
export function readMediaInputs(read: ReadParameter, name: string, label: string): Array<{ asset_id: string } | { file_url: string }> {
	const value = read(name, '');
	// An address may hold commas, but none that another address or an ID follows.
	const list = Array.isArray(value) ? value.map(String) : requiredText(read, name, label).split(/[\n\r]+|,(?=\s*(?:https?:\/\/|[0-9a-f-]{36}\b))/i);
	const texts = list.map((text) => text.trim()).filter((text) => text !== '');
	if (texts.length > 0) return texts.map((text) => toMediaInput(text, label));
	throw new ParameterError(`"${label}" is empty. Fill it in, or check that its expression finds a value for this item.`);
}

/** One asset ID or address. */
export function toMediaInput(text: string, label: string): { asset_id: string } | { file_url: string } {
	if (/^https?:\/\/[^\s]+$/i.test(text)) return { file_url: text };
	if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return { asset_id: text };
	throw new ParameterError(`"${label}" must be an asset ID or an address that starts with http:// or https://, but is "${text}".`);
}
