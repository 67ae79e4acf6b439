#!/usr/bin/env node
import { bootstrap } from './lib/bootstrap.mjs';
import { continueOnNode24 } from './lib/node24.mjs';

/**
 * `npm start`: brings what is missing, then starts the sidecar and n8n. This part runs on any Node ≥ 20 and uses nothing
 * that has to be installed; the rest is lib/start-main.ts, on the Node 24 that it brings.
 */
const args = process.argv.slice(2);
try {
	const alone = args.includes('--sidecar');
	if (!args.includes('--help')) await bootstrap(alone ? ['ffmpeg', 'recognition', 'build'] : ['ffmpeg', 'recognition', 'build', 'n8n'], console.log);
	process.exitCode = await continueOnNode24('lib/start-main.ts', args);
} catch (error) {
	console.error(`\n${error instanceof Error ? error.message : error}`);
	process.exitCode = 1;
}
