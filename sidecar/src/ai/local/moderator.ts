import type { Moderator, SafetyScores } from '../vision.ts';
import type { Engines } from './engines.ts';
import { childModule } from './infer.ts';
import { createLocalEngine } from './local-engine.ts';
import type { ModeratorAnswer, ModeratorRequest } from './moderator-child.ts';
import { eachPicture } from './pictures.ts';
import { RUNTIME } from './tfjs.ts';

const MODEL = 'nsfwjs-mobilenet-v2';
const WEIGHTS = 'nsfwjs/dist/models/mobilenet_v2/model.min.js';
const NUMBERS = 'nsfwjs/dist/models/mobilenet_v2/group1-shard1of1.min.js';
const NOTE =
	'The local engine looks for bare skin and pornography only, and flags too much (beaches, parties, sports): a flag for somebody to look at, not a verdict. For violence, hate and self-harm set OPENAI_API_KEY.';

/** Pornography and bare skin, in photos and drawings. 0.1 s per picture. */
export function createLocalModerator(engines: Engines): Moderator {
	const engine = createLocalEngine(engines, { what: 'unsafe pictures', child: childModule('./moderator-child', import.meta.url), needs: [WEIGHTS, RUNTIME, NUMBERS] });
	return {
		name: 'local',
		model: MODEL,
		obstacle: () => engine.obstacle(),
		async moderate(pictures, options) {
			const { found, usage } = await eachPicture(pictures, options, ({ path }, signal) => engine.ask<ModeratorRequest, ModeratorAnswer>({ path }, { signal }));
			return { provider: 'local', model: MODEL, usage, notes: [NOTE], scores: found.map(safetyScores) };
		},
	};
}

/** Drawn pornography is pornography. The classes exclude each other, so their scores add up. */
export function safetyScores({ porn, hentai, sexy }: ModeratorAnswer): SafetyScores {
	const rounded = (score: number): number => Math.round(Math.min(1, score) * 1e4) / 1e4;
	return { sexual: rounded(porn + hentai), suggestive: rounded(sexy) };
}
