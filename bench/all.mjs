#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** `npm run bench`: every benchmark of package.json, one after the other, so that none disturbs another. */
const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const names = Object.keys(scripts).filter((name) => name.startsWith('bench:'));
const failed = [];
for (const name of names) {
	console.log(`\n${name}`);
	const { status } = spawnSync('npm', ['run', '--silent', name], { stdio: 'inherit' });
	if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
	console.error(`\nCould not be run: ${failed.join(', ')}`);
	process.exitCode = 1;
}
