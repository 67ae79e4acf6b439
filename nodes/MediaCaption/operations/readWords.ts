/** `a, b` → `['a', 'b']`; undefined when there is none. */
export function readWords(text: string | undefined): string[] | undefined {
	const words = text?.split(',').map((word) => word.trim()).filter((word) => word !== '');
	return words && words.length > 0 ? words : undefined;
}
