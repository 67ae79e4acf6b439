/** The first of each, whatever its case, in their order; no empty ones. */
export function distinct(texts: readonly string[]): string[] {
	const first = new Map<string, string>();
	for (const text of texts) if (text !== '' && !first.has(text.toLowerCase())) first.set(text.toLowerCase(), text);
	return [...first.values()];
}
