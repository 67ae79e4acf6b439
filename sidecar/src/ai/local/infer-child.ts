import type { ChildMessage } from './infer.ts';

/** Answers one request; may report how far it is, 0 to 100. */
export type Answer<Asked, Answered> = (request: Asked, report: (percent: number) => void) => Answered | Promise<Answered>;

/**
 * The other end of `createInference`, called once by each child module: loads the model, then answers request after request.
 * Ends with the sidecar.
 */
export function serve<Asked, Answered>(load: () => Promise<Answer<Asked, Answered>>): void {
	const loaded = load();
	// Whoever asks first hears of it.
	loaded.catch(() => {});
	// Loading belongs to the cost of the first request.
	let before: NodeJS.CpuUsage | undefined = { user: 0, system: 0 };
	const tell = (message: ChildMessage<Answered>): void => void process.send?.(message);
	process.on('disconnect', () => process.exit());
	process.on('message', (request: Asked) => {
		const from = before ?? process.cpuUsage();
		before = undefined;
		loaded
			.then((answer) => answer(request, (progress) => tell({ progress })))
			.then((answer) => {
				const { user, system } = process.cpuUsage(from);
				tell({ error: null, answer, cpuSeconds: Math.round((user + system) / 1e3) / 1e3 });
			})
			.catch((error: unknown) => tell({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }));
	});
}
