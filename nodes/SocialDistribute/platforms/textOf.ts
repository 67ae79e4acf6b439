/** A name or number from a text field: expressions give numbers as numbers, and copying brings blanks along. Empty: undefined. */
export function textOf(value: unknown): string | undefined {
	const text = typeof value === 'number' || typeof value === 'string' ? String(value).trim() : '';
	return text === '' ? undefined : text;
}
