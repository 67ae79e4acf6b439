/** Changes a picture by AI. One file per provider implements it; operations know only this. */
export interface Transformer {
	readonly name: 'local' | 'replicate';
	/** Null: it can. Otherwise why not, as a sentence that says what to do. */
	obstacle(task: TransformTask): string | null;
	/** Throws the `provider_…` codes, `input_too_large`, and the signal's reason. */
	transform(request: TransformRequest): Promise<Transformed>;
}

export type TransformTask =
	/** The subject on a transparent background. */
	| { kind: 'remove_background' }
	/** `factor` times as wide and high. */
	| { kind: 'upscale'; factor: 2 | 4 }
	/** The same scene in another style. `strength`: 0 (hardly) to 1 (freely). */
	| { kind: 'style'; prompt: string; strength: number };

export interface TransformRequest {
	task: TransformTask;
	/** An upright PNG in sRGB. */
	path: string;
	width: number;
	height: number;
	/** Existing scratch folder. */
	workDir: string;
	signal: AbortSignal;
	/** 0 to 100 */
	onProgress(percent: number): void;
}

export interface Transformed {
	/** A picture in `workDir`, in any format that sharp reads. */
	path: string;
	/** Model that made it, as its provider calls it. */
	model: string;
	/** e.g. `{ ai_seconds: 3.2 }`; becomes part of the job's cost. */
	usage: Record<string, number>;
}
