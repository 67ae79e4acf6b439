/**
 * The same request again: wall time of a job whose result exists already, against the first one (HTTP request → queue → result →
 * callback received): 60 s of 1080p to 720p. Each pair asks for another quality, so that each first one is really made.
 * Usage: npm run bench:cache. Bar (docs/architecture.md): ratio ≤ 0.02.
 */
import { join } from 'node:path';
import { makeSource, median, verdict, withSidecar } from './lib/bench-sidecar.ts';

const PAIRS = Number(process.env['PAIRS'] ?? 3);

await withSidecar({}, async ({ folder, upload, job }) => {
	const assetId = await upload(makeSource(join(folder, 'source.mp4')));
	const run = async (params: Record<string, unknown>, reused: boolean): Promise<number> => {
		const { seconds, job: done } = await job('compress', assetId, params, { reuse: true });
		if ('reused_from' in (done['output_data'] as object) !== reused) throw new Error(`expected reused=${reused}: ${JSON.stringify(done)}`);
		return seconds;
	};
	const ratios: number[] = [];
	for (let pair = 1; pair <= PAIRS; pair += 1) {
		const first = await run({ crf: 22 + pair }, false);
		const again = await run({ crf: 22 + pair }, true);
		ratios.push(again / first);
		console.log(`pair ${pair}: first ${first.toFixed(2)} s, again ${again.toFixed(3)} s, ratio ${(again / first).toFixed(4)}`);
	}
	verdict('again / first, wall, median', median(ratios), 0.02, { digits: 4 });
});
