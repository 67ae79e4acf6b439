#!/usr/bin/env node
import { bootstrap } from './lib/bootstrap.mjs';
import { continueOnNode24 } from './lib/node24.mjs';

/** `npm run demo`: one video through n8n to published posts. See lib/demo-main.ts. */
const args = process.argv.slice(2);
try {
	// --json promises nothing but JSON on standard output. Nothing is built here: it may run already.
	if (!args.includes('--help')) await bootstrap(['ffmpeg', 'speech', 'recognition'], args.includes('--json') ? console.error : console.log);
	process.exitCode = await continueOnNode24('lib/demo-main.ts', args);
} catch (error) {
	console.error(`\n${error instanceof Error ? error.message : error}`);
	process.exitCode = 1;
}
