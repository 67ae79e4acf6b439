/**
 * Wall time of a job whose source complies already (its streams are copied) against the same job on the same source with a
 * parameter that forces an encode. Usage: npm run bench:remux. Bar (docs/architecture.md): ratio ≤ 0.05.
 */
import { join } from 'node:path';
import { alternate, makeSource, median, verdict, withSidecar } from './lib/bench-sidecar.ts';

const PAIRS = Number(process.env['PAIRS'] ?? 3);

await withSidecar({}, async ({ folder, upload, job }) => {
	// 4 Mbit/s at 1080p is below what compress would make of it.
	const assetId = await upload(makeSource(join(folder, 'source.mp4'), { bitrate: '4M' }));
	const run = async (params: Record<string, unknown>, copied: boolean): Promise<number> => {
		const { seconds, job: done } = await job('compress', assetId, params);
		const { copied: streams } = done['output_data'] as { copied: { video: boolean } };
		if (streams.video !== copied) throw new Error(`expected copied=${copied} for ${JSON.stringify(params)}`);
		return seconds;
	};
	const ratios = await alternate(
		PAIRS,
		() => run({ height: 1080 }, true),
		// CRF 32 is cheaper than the default: the comparison is not made easier than it is.
		() => run({ height: 1080, crf: 32 }, false),
		(pair, remux, encode) => console.log(`pair ${pair}: copied ${remux.toFixed(2)} s, encoded ${encode.toFixed(2)} s, ratio ${(remux / encode).toFixed(3)}`),
	);
	verdict('remux / re-encode, wall, median', median(ratios), 0.05);
});
