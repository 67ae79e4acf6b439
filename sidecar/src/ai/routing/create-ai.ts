import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { ConfigError } from '../../config.ts';
import type { Ai, Capabilities, Capability } from '../ai.ts';
import type { TranscribeLong } from '../long-audio.ts';
import type { Provider } from '../provider.ts';
import type { ReplicateTransformerOptions } from '../replicate/transformer.ts';
import type { TakesAudio, Transcriber } from '../transcriber.ts';
import type { Transformer } from '../transformer.ts';
import { wavSeconds } from '../wav.ts';
import { absent } from './absent.ts';
import { obstacleOf, tryInTurn, type Leg } from './fallback.ts';
import { legsOf, type LegDeps, type RoutedLeg } from './legs.ts';
import { createPieceMemory } from './remember.ts';
import { createReport, type AiReport, type ReportLine } from './report.ts';
import { CAPABILITY_NAMES } from './schema.ts';
import { SHAPES, type Head, type Routable, type Way } from './shapes.ts';
import { transformersOf, transformLine } from './transformers.ts';

export interface AiDeps extends LegDeps {
	/** Cuts sound that is longer than a provider takes. Null: it is given to the provider as it is. */
	transcribeLong: TranscribeLong | null;
	/** Fetches a result of Replicate. */
	download: ReplicateTransformerOptions['download'];
	log: Logger;
}

export interface AiParts {
	ai: Ai;
	/** In the order in which they are asked; the operations choose by task. */
	transformers: Transformer[];
	/** Who does what, and why others cannot. */
	report(): AiReport;
}

/** Every task, routed to those who can do it. Throws ConfigError with every entry that cannot be served. */
export function createAi(deps: AiDeps): AiParts {
	const problems: string[] = [];
	const legs = Object.fromEntries(CAPABILITY_NAMES.flatMap((name) => (name === 'transform' ? [] : [[name, legsOf(name, deps, problems)]]))) as { [C in Routable]: Array<RoutedLeg<Capabilities[C]>> };
	const transformers = transformersOf(deps, deps.download, problems);
	if (problems.length > 0) throw new ConfigError(problems.map((problem) => `AI_ROUTING_FILE: ${problem}`));

	const { log, transcribeLong } = deps;
	if (transcribeLong) {
		legs.transcribe = legs.transcribe.map((leg) => {
			const memory = leg.provider.name === 'local' ? null : createPieceMemory(leg.provider);
			const transcribe: Transcriber['transcribe'] = async (path, options) => {
				const { remembering, forget } = memory?.() ?? { remembering: leg.provider, forget: () => {} };
				// The scratch folder of the job is where its sound lies.
				const transcript = await transcribeLong(remembering, path, await wavSeconds(path), { ...options, workDir: dirname(path), log });
				forget();
				return transcript;
			};
			return { ...leg, provider: { ...leg.provider, transcribe } };
		});
	}
	const route = <C extends Routable>(capability: C, head: Head<C>): Capabilities[C] => routed(capability, legs[capability], head, log);
	const anyLength: TakesAudio = { format: 'wav', maxBytes: Number.MAX_SAFE_INTEGER, maxSeconds: Number.MAX_SAFE_INTEGER, parallel: 1 };
	const takes = transcribeLong ? anyLength : (firstOf(legs.transcribe)?.provider.takes ?? anyLength);
	// Vectors of two models cannot be compared: who makes them is decided now, and stays.
	const embed = firstThatCan(legs.embed);
	const embedImage = firstThatCan(legs.embed_image);
	const ai: Ai = {
		transcribe: route('transcribe', { ...named(legs.transcribe), takes }),
		describe: route('describe', named(legs.describe)),
		write: route('write', named(legs.write)),
		translate: route('translate', named(legs.translate)),
		embed: embed ? routed('embed', [embed], embed.provider, log) : absent(whyNobody('embed', legs.embed)).embed,
		embed_image: embedImage ? routed('embed_image', [embedImage], embedImage.provider, log) : absent(whyNobody('embed_image', legs.embed_image)).embed_image,
		label: route('label', named(legs.label)),
		detect: route('detect', named(legs.detect)),
		faces: route('faces', named(legs.faces)),
		read_text: route('read_text', named(legs.read_text)),
		moderate: route('moderate', named(legs.moderate)),
		speak: route('speak', named(legs.speak)),
		dub: route('dub', named(legs.dub)),
		voiceActivity: deps.local.voiceActivity,
	};
	return {
		ai,
		transformers,
		report: () => {
			const lines = Object.fromEntries(
				CAPABILITY_NAMES.map((name): [Capability, ReportLine[]] => [name, name === 'transform' ? transformers.map(transformLine) : legs[name].map(({ source, languages }) => lineOf(source, languages))]),
			) as Record<Capability, ReportLine[]>;
			const { name: provider } = deps.local.voiceActivity;
			return createReport(lines, { embed: embed?.title ?? null, embed_image: embedImage?.title ?? null }, { provider, obstacle: deps.local.voiceActivity.obstacle() });
		},
	};
}

/** Many providers in the shape of one. */
function routed<C extends Routable>(capability: C, legs: ReadonlyArray<Leg<Capabilities[C]>>, head: Head<C>, log: Logger): Capabilities[C] {
	const way: Way<Capabilities[C]> = {
		obstacle: (can, languages = []) => obstacleOf(legs, { capability, obstacle: can, languages }),
		ask: ({ signal, can, languages = [], make }) => tryInTurn(legs, { capability, signal, obstacle: can, languages }, make, log),
	};
	return SHAPES[capability](head, way);
}

interface Askable {
	provider: Provider;
}
const firstThatCan = <L extends Askable>(legs: readonly L[]): L | undefined => legs.find(({ provider }) => provider.obstacle() === null);
const firstOf = <L extends Askable>(legs: readonly L[]): L | undefined => firstThatCan(legs) ?? legs[0];

/** Name and model of the first that can now; each answer tells who it was. */
function named(legs: readonly Askable[]): Pick<Provider, 'name' | 'model'> {
	const { name = 'local' as const, model = 'none' } = firstOf(legs)?.provider ?? {};
	return { name, model };
}

const whyNobody = <P extends { obstacle(): string | null }>(capability: string, legs: ReadonlyArray<Leg<P>>): string =>
	obstacleOf(legs, { capability, obstacle: (provider) => provider.obstacle(), languages: [] }) ?? `Nobody does ${capability}.`;

function lineOf(provider: Capabilities[Routable], languages: readonly string[] | null): ReportLine {
	return { provider: provider.name, model: provider.model, languages, obstacle: provider.obstacle(), ...('space' in provider ? { space: provider.space } : {}) };
}

