import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { MediaFacts } from './facts.ts';
import type { Readable } from './ffmpeg-arguments.ts';
import type { MediaPlan, PlanResult } from './plan.ts';
import { choose, comparePlan, nextCrfs, planSearch, probeName, probePlan, qualityOf, type Choice, type Encode, type Point, type Target } from './quality.ts';

/** What the search acts through. */
export interface SearchTools extends Readable {
	run(plan: MediaPlan, on: undefined, options: { inputs: Readable[] }): Promise<PlanResult>;
	probe(path: string): Promise<MediaFacts>;
	log: Logger;
}

/** Encodes samples at a few CRFs and compares them with the source. Null: too short to try. */
export async function searchQuality(tools: SearchTools, encode: Encode, target: Target): Promise<Choice | null> {
	const { path, facts } = tools;
	const search = planSearch(facts, encode);
	if (!search) return null;
	const again = search.samples.slice(1).map(() => ({ path, facts }));
	const seconds = search.samples.reduce((sum, sample) => sum + sample.seconds, 0);
	const points: Point[] = [];
	for (let round = 0; round < search.rounds; round++) {
		const crfs = nextCrfs(points, target);
		if (crfs.length === 0) break;
		const made = await tools.run(probePlan(facts, encode, search, crfs), undefined, { inputs: again });
		const probes = await Promise.all(made.files.map(async (file) => ({ path: file.path, facts: await tools.probe(file.path) })));
		const compared = await tools.run(comparePlan(facts, encode, search, crfs, target.metric), undefined, { inputs: [...again, ...probes] });
		for (const [index, crf] of crfs.entries()) {
			const bits = (probes[index]?.facts.bytes ?? 0) * 8;
			points.push({ crf, quality: qualityOf(compared.texts[probeName(crf)] ?? '', target.metric), bitsPerSecond: bits / seconds });
		}
		await Promise.all(probes.map((probe) => rm(probe.path, { force: true })));
	}
	tools.log.info({ points, target }, 'encoded and compared samples');
	return choose(points, target);
}
