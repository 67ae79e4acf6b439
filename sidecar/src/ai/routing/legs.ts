import { checkBaseUrl, type Guard } from '../../net/guard.ts';
import type { Capabilities } from '../ai.ts';
import { charged } from '../meter.ts';
import type { TakesAudio } from '../transcriber.ts';
import type { Transformer } from '../transformer.ts';
import type { VoiceActivity } from '../voice-activity.ts';
import { DEFAULT_ROUTING } from './defaults.ts';
import type { Leg } from './fallback.ts';
import { createLimiter, type Limiter } from './limiter.ts';
import { usualPrice, withPrice } from './price.ts';
import { HOSTED, type AiConfig, type HostedName } from './providers.ts';
import type { Entry, Price, Routing } from './schema.ts';
import { SHAPES, type Routable, type Way } from './shapes.ts';

/** What this machine can do, by the name of the engine in the routing file (`model` of a `local` entry). */
export interface LocalEngines {
	byTask: { [C in Routable]?: Readonly<Record<string, Capabilities[C]>> };
	transform: Transformer | null;
	voiceActivity: VoiceActivity;
}

export interface LegDeps {
	config: AiConfig;
	routing: Routing;
	/** Where the keys are that `api_key_env` names. */
	environment: Readonly<Record<string, string | undefined>>;
	local: LocalEngines;
	guard: Guard;
}

export interface RoutedLeg<P> extends Leg<P> {
	/** The provider itself: a local engine may have another model by now. */
	source: P;
}

/** The providers of a task in their order. What nobody can serve is a problem, unless nobody asked for it. */
export function legsOf<C extends Routable>(capability: C, deps: LegDeps, problems: string[]): Array<RoutedLeg<Capabilities[C]>> {
	const entries = deps.routing[capability];
	const wanted = entries !== DEFAULT_ROUTING[capability];
	return entries.flatMap((entry, index) => {
		const complain = (problem: string): [] => {
			if (wanted) problems.push(`${capability}[${index}]${problem}`);
			return [];
		};
		const languages = entry.languages ?? null;
		if (entry.provider === 'local') {
			const engines: Readonly<Record<string, Capabilities[C]>> = deps.local.byTask[capability] ?? {};
			const names = Object.keys(engines);
			if (names.length === 0) return complain(`: no local engine can do this. ${whoCan(capability, false)}`);
			if (entry.model !== undefined && !names.includes(entry.model)) return complain(`.model: there is no local engine ${entry.model} for this. There are ${names.join(', ')}.`);
			const gate = createLimiter({ parallel: entry.parallel, requestsPerMinute: entry.requests_per_minute }, `local ${entry.model ?? ''}`.trim());
			return names
				.filter((name) => entry.model === undefined || name === entry.model)
				.flatMap((name) => {
					const engine = engines[name];
					return engine ? [{ provider: limited(capability, engine, { entry, gate }), title: `local ${name}`, languages, source: engine }] : [];
				});
		}
		const factory = HOSTED[entry.provider][capability];
		if (!factory) return complain(`.provider: ${entry.provider} does not do this. ${whoCan(capability, deps.local.byTask[capability] !== undefined)}`);
		if (entry.base_url) checkBaseUrl(entry.base_url, deps.guard, (problem) => complain(`.base_url: ${problem}`));
		const title = (model: string): string => `${entry.provider} ${model}`;
		const gate = createLimiter({ parallel: entry.parallel, requestsPerMinute: entry.requests_per_minute }, title(entry.model ?? '').trim());
		// Its own client asks the gate before each request; here only the price is added.
		const provider = factory(entry, { config: deps.config, environment: deps.environment, gate });
		return [{ provider: limited(capability, provider, { entry, price: entry.provider === 'openai' ? usualPrice(provider.model, entry.base_url ?? deps.config.OPENAI_BASE_URL) : undefined }), title: title(provider.model), languages, source: provider }];
	});
}

/** Names who can, for whoever chose one that cannot. */
function whoCan(capability: Routable, local: boolean): string {
	const names = [...(local ? ['local'] : []), ...(Object.keys(HOSTED) as HostedName[]).filter((name) => HOSTED[name][capability])];
	return names.length > 0 ? `These do: ${names.join(', ')}.` : 'Nobody does.';
}

/** The same provider, within its limits, with its price. */
function limited<C extends Routable>(capability: C, provider: Capabilities[C], { entry, gate, price }: { entry: Entry; gate?: Limiter; price?: Price | undefined }): Capabilities[C] {
	const way: Way<Capabilities[C]> = {
		obstacle: (can) => can(provider),
		ask: ({ signal, make }) => charged((usage) => withPrice(usage, entry.price ?? price), () => (gate ? gate(() => make(provider), signal) : make(provider))),
	};
	return SHAPES[capability](headOf(provider, entry), way);
}

function headOf<P extends { name: string }>(provider: P, entry: Entry): P {
	if (!('takes' in provider)) return provider;
	const takes = provider.takes as TakesAudio;
	return { ...provider, takes: { ...takes, maxBytes: entry.max_bytes ?? takes.maxBytes, maxSeconds: entry.max_seconds ?? takes.maxSeconds, parallel: entry.parallel ?? takes.parallel } };
}
