import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { ConfigError } from '../../config.ts';
import type { Capability } from '../ai.ts';
import type { ProviderName } from '../provider.ts';

const usd = z.number().nonnegative();

/** What a provider charges, in USD. What is used is told by the provider itself. */
export const priceSchema = z.strictObject({
	audio_minute: usd.optional().describe('Per minute of sound.'),
	input_million_tokens: usd.optional().describe('Per million tokens read.'),
	output_million_tokens: usd.optional().describe('Per million tokens written.'),
	image: usd.optional().describe('Per picture.'),
	million_characters: usd.optional().describe('Per million characters spoken.'),
	second: usd.optional().describe('Per second of computing.'),
});
export type Price = z.infer<typeof priceSchema>;

export const PROVIDER_NAMES = ['local', 'openai', 'elevenlabs', 'replicate'] as const satisfies readonly ProviderName[];

const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable, e.g. GROQ_API_KEY; never the key itself');
const replicateModel = z.string().regex(/^[\w.-]+\/[\w.-]+(:[0-9a-f]{8,64})?$/, 'must be owner/name or owner/name:version');

export const entrySchema = z
	.strictObject({
		provider: z.enum(PROVIDER_NAMES).describe('Who does it. `openai` is every server that speaks its API.'),
		model: z.string().min(1).max(200).optional().describe('As the provider calls it; for `local` the name of the engine. Absent: its default.'),
		models: z
			.strictObject({ remove_background: replicateModel.optional(), upscale: replicateModel.optional(), style: replicateModel.optional() })
			.optional()
			.describe('Only for `transform` on Replicate: the model of each task.'),
		base_url: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).optional().describe('Another server. It gets no key unless `api_key_env` names one.'),
		api_key_env: variable.optional().describe('Environment variable that holds the key.'),
		languages: z
			.array(z.string().regex(/^[a-z]{2}$/, 'must be an ISO 639-1 code of two letters, e.g. en'))
			.min(1)
			.optional()
			.describe('Asked only for these, ISO 639-1; not where the language is unknown.'),
		max_seconds: z.number().positive().optional().describe('Longest sound of one request; longer sound is cut at pauses.'),
		max_bytes: z.number().int().positive().optional().describe('Largest file of one request.'),
		parallel: z.number().int().min(1).max(1000).optional().describe('Requests at the same time, of this process.'),
		requests_per_minute: z.number().int().min(1).max(100_000).optional().describe('Requests begun in any minute, of this process.'),
		dimensions: z.number().int().min(2).max(4096).optional().describe('Only for `embed` and `embed_image`: numbers per vector.'),
		voice: z.string().min(1).max(200).optional().describe('Only for `speak`: the voice when a request names none.'),
		price: priceSchema.optional().describe('What it costs; becomes `ai_usd` of the job. Absent: list prices where they are known (docs/ai.md).'),
	})
	.describe('A provider for a task.');
export type Entry = z.infer<typeof entrySchema>;

/** Every task by its name in the file, and what it means. */
export const CAPABILITIES = {
	transcribe: 'Speech to text',
	describe: 'What a picture shows, in a sentence',
	write: 'Post texts',
	translate: 'Texts into another language',
	embed: 'Vectors of texts, for search',
	embed_image: 'Vectors of pictures, for search',
	label: 'What a picture is about, in words',
	detect: 'Where things are in a picture',
	faces: 'Where faces are in a picture',
	read_text: 'Text that stands in a picture',
	moderate: 'How unsafe for work a picture is',
	speak: 'Text to speech',
	dub: 'A recording in another language',
	transform: 'Background, size and style of pictures',
} as const satisfies Record<Capability, string>;
export const CAPABILITY_NAMES = Object.keys(CAPABILITIES) as Capability[];

/** For each task who is asked, in this order. An empty list switches the task off. */
export type Routing = Record<Capability, Entry[]>;

const list = z.array(entrySchema).max(20).optional();
const fileSchema = z.strictObject(Object.fromEntries(CAPABILITY_NAMES.map((name) => [name, list.describe(CAPABILITIES[name])])) as Record<Capability, typeof list>);

/**
 * The routing file, over the defaults: a task that it does not name keeps its default. Throws ConfigError with every
 * problem of the file, each with its path (`transcribe[0].price.image`).
 * @param path a YAML or JSON file; undefined: the defaults as they are
 */
export async function readRouting(path: string | undefined, defaults: Routing): Promise<Routing> {
	if (path === undefined) return defaults;
	const text = await readFile(path, 'utf8').catch((error: Error) => {
		throw new ConfigError([`AI_ROUTING_FILE: ${path} cannot be read (${error.message}).`]);
	});
	return parseRouting(text, path, defaults);
}

/** @param name of the file, for messages */
export function parseRouting(text: string, name: string, defaults: Routing): Routing {
	const fail = (problems: string[]): never => {
		throw new ConfigError(problems.map((problem) => `AI_ROUTING_FILE (${name}): ${problem}`));
	};
	// JSON is YAML, too.
	const document = parseDocument(text, { prettyErrors: true });
	if (document.errors.length > 0) return fail(document.errors.map(({ message }) => message.split('\n')[0] ?? message));
	let given: unknown;
	try {
		given = document.toJS();
	} catch (error) {
		return fail([error instanceof Error ? error.message : String(error)]);
	}
	const parsed = fileSchema.safeParse(given ?? {});
	if (!parsed.success) return fail(parsed.error.issues.map(describeIssue));
	const routing = { ...defaults };
	for (const capability of CAPABILITY_NAMES) {
		const entries = parsed.data[capability];
		if (entries) routing[capability] = entries;
	}
	const problems = CAPABILITY_NAMES.flatMap((capability) => [...misplaced(capability, routing[capability]), ...repeated(capability, routing[capability])]);
	return problems.length > 0 ? fail(problems) : routing;
}

function describeIssue(issue: z.core.$ZodIssue): string {
	const path = pathOf(issue.path);
	if (issue.code === 'unrecognized_keys' && issue.path.length === 0) return `${issue.keys.join(', ')}: no such task. There are ${CAPABILITY_NAMES.join(', ')}.`;
	if (issue.code === 'unrecognized_keys') return `${path}: there is no ${issue.keys.join(', ')} here.`;
	return `${path || 'the whole file'}: ${issue.message}`;
}

const pathOf = (path: readonly PropertyKey[]): string => path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`)).join('');

/** Fields that mean nothing where they are: whoever wrote them expects something of them. */
function misplaced(capability: Capability, entries: readonly Entry[]): string[] {
	const only: Array<[field: keyof Entry, capabilities: readonly Capability[]]> = [
		['models', ['transform']],
		['dimensions', ['embed', 'embed_image']],
		['voice', ['speak']],
		['max_seconds', ['transcribe']],
		['max_bytes', ['transcribe']],
		['languages', ['transcribe', 'describe', 'translate', 'embed', 'speak', 'dub']],
	];
	return entries.flatMap((entry, index) => {
		const at = `${capability}[${index}]`;
		const fields = only.filter(([field, capabilities]) => entry[field] !== undefined && !capabilities.includes(capability));
		const problems = fields.map(([field, capabilities]) => `${at}.${field}: only for ${capabilities.join(', ')}.`);
		if (entry.provider === 'local' && (entry.base_url || entry.api_key_env)) problems.push(`${at}: a local engine has neither base_url nor api_key_env.`);
		if (entry.provider === 'replicate' && entry.model && capability === 'transform') problems.push(`${at}.model: name the model of each task in models.`);
		return problems;
	});
}

/** Nothing is tried twice in one call. */
function repeated(capability: Capability, entries: readonly Entry[]): string[] {
	const seen = new Map<string, number>();
	return entries.flatMap((entry, index) => {
		const key = JSON.stringify([entry.provider, entry.model, entry.base_url, entry.api_key_env, entry.voice, entry.languages, entry.models, entry.dimensions]);
		const first = seen.get(key);
		if (first === undefined) seen.set(key, index);
		return first === undefined ? [] : [`${capability}[${index}]: the same as ${capability}[${first}].`];
	});
}
