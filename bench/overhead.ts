/**
 * Wall time of one job through the sidecar (HTTP request → queue → ffmpeg → stored → callback received) against the very
 * same ffmpeg command run by hand: 60 s of 1080p to 720p. Usage: npm run bench:overhead. Bar (docs/architecture.md): ratio ≤ 1.03.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ffmpegCall } from '../sidecar/src/media/ffmpeg-arguments.ts';
import { probe } from '../sidecar/src/media/probe.ts';
import { compress } from '../sidecar/src/operations/video/compress.ts';
import { alternate, makeSource, median, verdict, withSidecar } from './lib/bench-sidecar.ts';

const PAIRS = Number(process.env['PAIRS'] ?? 5);

await withSidecar({}, async ({ folder, upload, job }) => {
	const source = makeSource(join(folder, 'source.mp4'));
	const assetId = await upload(source);
	const facts = await probe(source);
	const plan = compress.plan(facts, compress.params.parse({}));
	const call = ffmpegCall({ inputPath: source, facts, plan }, () => join(folder, 'by-hand.mp4'));
	const byHandArguments = [...call.inputs.flatMap(({ options, url }) => [...options, '-i', url]), ...call.outputs.flatMap(({ options, path }) => [...options, '-f', 'mp4', path])];

	/** Detached like the sidecar's: a session of its own, which the scheduler treats alike. */
	async function byHand(): Promise<number> {
		const start = performance.now();
		const child = spawn('ffmpeg', byHandArguments, { stdio: 'ignore', detached: true });
		const [code] = (await once(child, 'exit')) as [number];
		if (code !== 0) throw new Error(`ffmpeg by hand ended with ${code}`);
		return (performance.now() - start) / 1000;
	}

	const ratios = await alternate(
		PAIRS,
		async () => (await job('compress', assetId, {})).seconds,
		byHand,
		(pair, side, hand) => console.log(`pair ${pair}: by hand ${hand.toFixed(2)} s, sidecar ${side.toFixed(2)} s, ratio ${(side / hand).toFixed(3)}`),
	);
	verdict('sidecar / by hand, wall, median', median(ratios), 1.03);
});
