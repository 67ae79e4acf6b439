const EVERY_MS = 150;

export interface WaitOptions {
	/** What is waited for, for the error message. */
	what: string;
	/** Default 120 s: only a broken system takes that long. */
	timeoutMs?: number;
	/** Added to the error message. */
	explain?: () => string | Promise<string>;
}

/** Asks again and again until the answer is not undefined, null or false. */
export async function waitFor<T>(ask: () => Promise<T | undefined | null | false>, { what, timeoutMs = 120_000, explain }: WaitOptions): Promise<T> {
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		const answer = await ask();
		if (answer !== undefined && answer !== null && answer !== false) return answer;
		if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs / 1000} s in vain for ${what}.\n${explain ? await explain() : ''}`);
		await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
	}
}
