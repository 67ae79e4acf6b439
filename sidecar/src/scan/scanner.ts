/** Looks for viruses in files. */
export interface Scanner {
	/** Null: clean. Else the name of the signature. Throws `scanner_unavailable` whenever that is not certain, and the reason of `signal`. */
	scan(path: string, options: { signal: AbortSignal; onProgress?(percent: number): void }): Promise<string | null>;
	/** Throws `scanner_unavailable` when nobody answers. */
	ping(): Promise<void>;
}
