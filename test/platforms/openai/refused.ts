/** An error answer of the API. */
export class Refused extends Error {
	readonly status: number;
	readonly code: string | null;
	constructor(status: number, message: string, code: string | null = null) {
		super(message);
		this.status = status;
		this.code = code;
	}
}

/** Refuses fields that the API does not know. */
export function onlyFields(body: object, known: readonly string[]): void {
	const unknown = Object.keys(body).filter((name) => !known.includes(name));
	if (unknown.length > 0) throw new Refused(400, `Unrecognized request argument supplied: ${unknown.join(', ')}`);
}

/** Refuses halves of characters: JSON may hold them escaped, UTF-8 cannot. */
export function onlyWhole(value: unknown): void {
	if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) throw new Refused(400, "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly.)");
	if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) onlyWhole(part);
}
