#!/usr/bin/env node
import { bootstrap } from './lib/bootstrap.mjs';
import { continueOnNode24 } from './lib/node24.mjs';

/** `npm run platforms`: all social platforms as local stand-ins, with a page that shows what was posted. This part runs on any Node ≥ 20. */
const args = process.argv.slice(2);
try {
	if (!args.includes('--help')) await bootstrap([], console.log);
	process.exitCode = await continueOnNode24('lib/platforms-main.ts', args);
} catch (error) {
	console.error(`\n${error instanceof Error ? error.message : error}`);
	process.exitCode = 1;
}
