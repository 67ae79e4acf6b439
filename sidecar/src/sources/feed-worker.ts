import { parentPort, workerData } from 'node:worker_threads';
import { readFeed } from './feed.ts';

/** A thread of its own: reads one feed (`workerData`, text), answers with it, and ends. */
parentPort?.postMessage(readFeed(String(workerData)));
