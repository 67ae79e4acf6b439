import { staleDocs, writeDocs } from './lib/docs/generate.ts';

/** `npm run docs` writes the documents that are made from the code; `npm run docs:check` only tells whether they are up to date. */
if (process.argv.includes('--check')) {
	const stale = await staleDocs();
	if (stale.length > 0) console.error(`Not up to date: ${stale.join(', ')}. Run "npm run docs" and commit the result.`);
	process.exitCode = stale.length > 0 ? 1 : 0;
} else {
	const written = await writeDocs();
	console.log(written.length > 0 ? `Written: ${written.join(', ')}` : 'All documents that are made from the code are up to date.');
}
