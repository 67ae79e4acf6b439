/**
 * Reads the format in which n8n stores run data: a JSON array whose strings are values and whose other strings, inside
 * objects and arrays, are the indexes of entries (https://github.com/WebReflection/flatted, "Flatted specifications").
 */
export function parseFlatted(text: string): unknown {
	const entries = JSON.parse(text) as unknown[];
	const done = new Map<number, unknown>();
	const resolve = (index: number): unknown => {
		if (done.has(index)) return done.get(index);
		const entry = entries[index];
		if (typeof entry !== 'object' || entry === null) return entry;
		const result: unknown[] | Record<string, unknown> = Array.isArray(entry) ? [] : {};
		// Before the fields: an object may contain itself.
		done.set(index, result);
		for (const [key, value] of Object.entries(entry)) {
			(result as Record<string, unknown>)[key] = typeof value === 'string' ? resolve(Number(value)) : value;
		}
		return result;
	};
	return resolve(0);
}
