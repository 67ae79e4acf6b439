import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootstrap } from './bootstrap.mjs';
import { watchProgress } from './demo-progress.ts';
import { demoReport, reportText, type DemoReport } from './demo-report.ts';
import { makeDemoVideo } from './demo-video.ts';
import { stopAll } from './managed-process.ts';
import { START_FLAGS, startOptions } from './options.ts';
import { SidecarApi } from './sidecar-api.ts';
import { stopOnSignal } from './signals.ts';
import { findRunning, startStack, type RunningStack, type Stack } from './stack.ts';

const HELP = `npm run demo -- [options]

  --file <video>     send your own file instead of making one
  --json             print the result as JSON, and nothing else on standard output
  --stop             when the demo itself started the sidecar and n8n: stop them at the end
  --port, --n8n-port, --data   as for npm start

Uses what \`npm start\` runs, or starts it itself.`;

const OPERATIONS = ['thumbnail', 'compress', 'transcribe', 'burn_subtitles', 'caption'];
const PLATFORMS = ['x', 'mastodon'];

const MIME_TYPES: Record<string, string> = { '.mov': 'video/quicktime', '.webm': 'video/webm', '.mkv': 'video/x-matroska', '.avi': 'video/x-msvideo' };

async function main(): Promise<number> {
	const flags = { ...START_FLAGS, file: { type: 'string' }, json: { type: 'boolean', default: false }, stop: { type: 'boolean', default: false } } as const;
	const { values } = parseArgs({ options: flags });
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	const say = values.json ? (line: string) => console.error(line) : (line: string) => console.log(line);
	const signals = stopOnSignal();
	const options = startOptions(values, process.env);
	const running = await findRunning(options.dataDir);
	if (running && !running.n8nUrl) throw new Error('The sidecar runs alone (npm start -- --sidecar). Stop it, then run the demo again: it needs n8n too.');
	if (running) say(`using what runs already: sidecar ${running.sidecarUrl}, n8n ${running.n8nUrl}`);

	const work = async (): Promise<{ report: DemoReport; own: RunningStack | null }> => {
		if (running) return { report: await demonstrate(running, values.file, say), own: null };
		await bootstrap(['build', 'n8n'], say);
		const own = await startStack(options, say);
		return { report: await demonstrate(own, values.file, say), own };
	};
	const outcome = await Promise.race([work(), signals.stopped]);
	if (typeof outcome === 'string') {
		await stopAll();
		return 130;
	}
	const { report, own } = outcome;
	console.log(values.json ? JSON.stringify(report, null, 2) : reportText(report));
	if (own && !values.stop && !values.json && process.stdout.isTTY) {
		console.log('\nThe sidecar and n8n keep running, so that the links above open. Ctrl+C stops them.');
		await Promise.race([signals.stopped, ...own.processes.map((process) => process.ended)]);
	} else if (own) {
		say('\nThe sidecar and n8n are stopped again. With `npm start` the links to the files open.');
	}
	await own?.stop();
	return report.ok ? 0 : 1;
}

/** One video from the upload to the posts. */
async function demonstrate(stack: Stack, file: string | undefined, say: (line: string) => void): Promise<DemoReport> {
	const sidecar = new SidecarApi(stack.sidecarUrl, stack.apiKey);
	const folder = await mkdtemp(join(tmpdir(), 'media-pipeline-demo-'));
	try {
		if (!file) say('\nmaking a short video with speech …');
		const video = file ?? (await makeDemoVideo(folder)).path;
		const bytes = new Uint8Array(await readFile(video));
		say(`sending ${basename(video)} (${(bytes.length / 1e6).toFixed(1)} MB) to the sidecar …`);
		const started = Date.now();
		const assetId = await sidecar.upload(bytes, basename(video), MIME_TYPES[extname(video).toLowerCase()] ?? 'video/mp4');
		await sidecar.process({
			asset_id: assetId,
			operations: OPERATIONS,
			params: { caption: { platforms: PLATFORMS } },
			metadata: { platforms: PLATFORMS, title: 'Media Pipeline demo' },
		});
		say('the process workflow in n8n has been called\n');
		await watchProgress(sidecar, assetId, PLATFORMS.length, say);
		return await demoReport(stack, sidecar, assetId, Date.now() - started);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

try {
	process.exitCode = await main();
} catch (error) {
	console.error(`\n${error instanceof Error ? error.message : String(error)}`);
	await stopAll();
	process.exitCode = 1;
}
