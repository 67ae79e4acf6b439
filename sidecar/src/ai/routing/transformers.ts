import { charged } from '../meter.ts';
import type { Transformer, TransformTask } from '../transformer.ts';
import { createReplicateClient } from '../replicate/client.ts';
import { createReplicateTransformer, type ReplicateTransformerOptions } from '../replicate/transformer.ts';
import { checkBaseUrl } from '../../net/guard.ts';
import type { LegDeps } from './legs.ts';
import { createLimiter } from './limiter.ts';
import { withPrice } from './price.ts';
import { connection } from './providers.ts';
import type { ReportLine } from './report.ts';
import type { Entry } from './schema.ts';

const TASKS: TransformTask[] = [{ kind: 'remove_background' }, { kind: 'upscale', factor: 2 }, { kind: 'style', prompt: '', strength: 0.5 }];

/** It is in the way only of those tasks that it cannot do. */
export function transformLine(transformer: Transformer): ReportLine {
	const obstacles = TASKS.flatMap((task) => transformer.obstacle(task) ?? []);
	return { provider: transformer.name, model: 'by task', languages: null, obstacle: obstacles.length === TASKS.length ? [...new Set(obstacles)].join(' ') : null };
}

/** Who changes pictures, in the order of the routing. */
export function transformersOf({ routing, config, environment, local, guard }: LegDeps, download: ReplicateTransformerOptions['download'], problems: string[]): Transformer[] {
	return routing.transform.flatMap((entry, index): Transformer[] => {
		if (entry.provider === 'local') return local.transform ? [local.transform] : [];
		if (entry.provider !== 'replicate') {
			problems.push(`transform[${index}].provider: ${entry.provider} does not do this. These do: local, replicate.`);
			return [];
		}
		if (entry.base_url) checkBaseUrl(entry.base_url, guard, (problem) => problems.push(`transform[${index}].base_url: ${problem}`));
		const { apiKey, baseUrl, keyName } = connection(entry, environment, { apiKey: config.REPLICATE_API_TOKEN, baseUrl: config.REPLICATE_BASE_URL });
		const models = {
			remove_background: entry.models?.remove_background ?? config.REPLICATE_BACKGROUND_MODEL,
			upscale: entry.models?.upscale ?? config.REPLICATE_UPSCALE_MODEL,
			style: entry.models?.style ?? config.REPLICATE_STYLE_MODEL,
		};
		return [withLimits(createReplicateTransformer({ client: createReplicateClient({ token: apiKey, baseUrl, keyName }), models, download }), entry)];
	});
}

function withLimits(transformer: Transformer, entry: Entry): Transformer {
	const gate = createLimiter({ parallel: entry.parallel, requestsPerMinute: entry.requests_per_minute }, transformer.name);
	return {
		name: transformer.name,
		obstacle: (task) => transformer.obstacle(task),
		transform: (request) => charged((usage) => withPrice(usage, entry.price), () => gate(() => transformer.transform(request), request.signal)),
	};
}
