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
