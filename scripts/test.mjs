#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bootstrap } from './lib/bootstrap.mjs';
import { nodeBinary, ROOT } from './lib/paths.mjs';
import { cleanEnvironment, isWindows } from './lib/shell.mjs';

/**
 * `npm test` and `npm run test:e2e`: brings what is missing, then runs every check, also after one has failed. Further
 * arguments go to Jest. With TEST_SUMMARY=<file> the counts are written there as JSON.
 */
const [suite = 'all', ...jestArguments] = process.argv.slice(2);

/** @typedef {{ name: string, passed: number, failed: number }} Result */

/**
 * @param {string} name
 * @param {string[]} npmArguments
 * @returns {Promise<Result>}
 */
async function check(name, npmArguments) {
	const code = await show('npm', npmArguments, cleanEnvironment());
	return { name, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
}

/**
 * @param {string[]} args
 * @returns {Promise<Result>}
 */
async function jest(args) {
	const report = join(ROOT, 'node_modules', '.cache', 'media-pipeline', `jest-${suite}-${process.pid}.json`);
	await mkdir(dirname(report), { recursive: true });
	const command = [join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js'), ...args, '--json', '--outputFile', report, ...jestArguments];
	// Jest says it all on standard error; its JSON on standard output is in the file too.
	const code = await show(nodeBinary(), ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...command], withNode24(), 'ignore');
	try {
		const { numPassedTests: passed, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(await readFile(report, 'utf8'));
		const failed = numFailedTests + numRuntimeErrorTestSuites;
		return { name: 'tests', passed, failed: failed === 0 && code !== 0 ? 1 : failed };
	} catch {
		return { name: 'tests', passed: 0, failed: 1 };
	} finally {
		await rm(report, { force: true });
	}
}

/** Tests that start `node` get the same one. */
function withNode24() {
	return cleanEnvironment({ PATH: `${join(ROOT, 'node_modules', '.bin')}${isWindows ? ';' : ':'}${process.env.PATH}` });
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {'inherit' | 'ignore'} [stdout]
 * @returns {Promise<number>}
 */
function show(command, args, env, stdout = 'inherit') {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { cwd: ROOT, env, stdio: ['inherit', stdout, 'inherit'], shell: isWindows });
		child.on('error', reject);
		child.on('close', (code) => resolve(code ?? 1));
	});
}

/** @returns {Promise<Result[]>} */
async function runAll() {
	if (suite === 'e2e') return [await jest(['--config', 'test/e2e/jest.config.mjs'])];
	// Each of the two keeps one core busy.
	const checks = await Promise.all([check('lint', ['run', '--silent', 'lint']), check('types', ['run', '--silent', 'typecheck'])]);
	return [...checks, await jest(['--maxWorkers=100%'])];
}

try {
	await bootstrap(suite === 'e2e' ? ['ffmpeg', 'speech', 'recognition', 'build', 'engines', 'n8n'] : ['ffmpeg', 'speech', 'fonts', 'language', 'recognition', 'build', 'engines'], console.log);
	const results = await runAll();
	const count = (/** @type {'passed' | 'failed'} */ key) => results.reduce((sum, result) => sum + result[key], 0);
	const summary = { passed: count('passed'), failed: count('failed') };
	if (process.env.TEST_SUMMARY) await writeFile(process.env.TEST_SUMMARY, JSON.stringify(summary));
	const failed = results.filter((result) => result.failed > 0).map(({ name }) => name);
	console.log(`\n${summary.passed} passed, ${summary.failed} failed${failed.length > 0 ? ` (${failed.join(', ')})` : ''}`);
	process.exitCode = summary.failed > 0 ? 1 : 0;
} catch (error) {
	console.error(`\n${error instanceof Error ? error.message : error}`);
	process.exitCode = 1;
}
