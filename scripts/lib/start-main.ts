import { join } from 'node:path';
import { stopAll } from './managed-process.ts';
import { parseStartOptions, START_HELP } from './options.ts';
import { ROOT } from './paths.mjs';
import { startStack, type RunningStack, type Stack } from './stack.ts';
import { stopOnSignal } from './signals.ts';

/** The second part of `npm start`, on Node 24: starts both, tells where they are, and watches over them. */
async function main(): Promise<number> {
	const options = parseStartOptions(process.argv.slice(2), process.env);
	if (!options) {
		console.log(START_HELP);
		return 0;
	}
	const signals = stopOnSignal();
	const started = Date.now();
	const starting = startStack(options, (line) => console.log(line));
	const begun = await Promise.race([starting, signals.stopped]);
	if (typeof begun === 'string') {
		// In the middle of it: what runs already is stopped, which also ends the waiting for it.
		starting.catch(() => undefined);
		await stopAll();
		return 130;
	}
	const stack = begun;
	console.log(summary(stack, Date.now() - started));
	const reason = await Promise.race([signals.stopped, firstEnd(stack)]);
	if (typeof reason !== 'string') {
		console.error(`\n${reason.message}`);
		await stack.stop();
		return 1;
	}
	console.log('\nstopping …');
	await stack.stop();
	return 0;
}

/** Resolves with an error when one of them ends by itself. */
function firstEnd(stack: RunningStack): Promise<Error> {
	return Promise.race(
		stack.processes.map(async (process) => {
			const { code, signal } = await process.ended;
			const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
			const lastLines = process.output().trimEnd().split('\n').slice(-15).join('\n');
			return new Error(`${process.name} ${how}; the other one is stopped too.\n${lastLines}\n(log: ${process.logFile})`);
		}),
	);
}

function summary(stack: Stack, tookMs: number): string {
	const lines = ['', `Ready after ${Math.round(tookMs / 1000)} s.`, ''];
	const row = (name: string, value: string, note = '') => lines.push(`  ${name.padEnd(11)}${value}${note ? `   ${note}` : ''}`);
	if (stack.n8nUrl && stack.owner) row('n8n', stack.n8nUrl, `login ${stack.owner.email}  password ${stack.owner.password}`);
	row('sidecar', stack.sidecarUrl, `API key ${stack.apiKey}`);
	row('API docs', `${stack.sidecarUrl}/docs`);
	row('data, logs', stack.dataDir);
	if (stack.templates.length > 0) {
		lines.push('', '  Workflows in n8n:');
		for (const { name, active, note } of stack.templates) lines.push(`    ${active ? 'published' : 'imported '}  ${name}${note ? ` (${note})` : ''}`);
	}
	if (stack.standIns.length > 0) {
		lines.push('', '  Nothing real is reached yet. Local stand-ins answer for what is not configured:');
		for (const { name, url } of stack.standIns) lines.push(`    ${name.padEnd(9)} ${url}`);
		for (const advice of stack.advice) lines.push(`    ${advice}`);
	}
	lines.push('', '  Send the first video, in another terminal:', '');
	lines.push(stack.n8nUrl ? `    npm run demo${dataFlag(stack)}` : `    ${curlCommand(stack)}`, '', '  Ctrl+C stops everything.');
	return lines.join('\n');
}

/** The demo looks into the same folder to find what runs. */
function dataFlag({ dataDir }: Stack): string {
	return dataDir === join(ROOT, 'data') ? '' : ` -- --data ${dataDir}`;
}

function curlCommand({ sidecarUrl, apiKey }: Stack): string {
	const body = '{"original_url":"https://…/video.mp4","operations":["thumbnail","compress"]}';
	return `curl -X POST ${sidecarUrl}/api/media/process -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' -d '${body}'`;
}

try {
	process.exitCode = await main();
} catch (error) {
	console.error(`\n${error instanceof Error ? error.message : String(error)}`);
	process.exitCode = 1;
}
