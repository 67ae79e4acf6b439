import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import PQueue from 'p-queue';
import { readFeed, type Feed } from './feed.ts';

/** Compiled, this file and the worker end in .js. */
const WORKER = new URL(`./feed-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
/** Reading 8 MB takes 3 s; what takes so long is made to. */
const TIMEOUT_MS = 30_000;
/** Reading 8 MB takes a tenth of it. */
const MOST_MEMORY_MB = 512;
/** Less than this is read in a few hundredths of a second, which is less than starting a thread takes. */
const SMALL = 65_536;
const inTurn = new PQueue({ concurrency: 2 });

/** Reads a feed, a large one in a thread of its own: it keeps a core busy for seconds, in which nobody else would be answered. Throws for what is none, and the reason of `signal`. */
export async function readFeedApart(text: string, signal: AbortSignal, timeoutMs = TIMEOUT_MS): Promise<Feed> {
	if (text.length <= SMALL) return readFeed(text);
	return inTurn.add(async () => {
		signal.throwIfAborted();
		const worker = new Worker(WORKER, { workerData: text, resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MB }, env: {}, stdout: true, stderr: true });
		try {
			const [feed] = (await once(worker, 'message', { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) })) as [Feed];
			return feed;
		} catch (error) {
			signal.throwIfAborted();
			throw error;
		} finally {
			await worker.terminate();
		}
	});
}
