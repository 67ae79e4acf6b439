import { parse } from '../contract/parse.ts';
import { PIPELINE_REFERENCE, pipelineDefinitionSchema, type PipelineDefinition, type PipelineStep, type PipelineView } from '../contract/pipelines.ts';
import type { Executor } from '../db/database.ts';
import { INGEST, type JobRow } from '../db/jobs.ts';
import { findPipeline, listPipelines, type PipelineRow } from '../db/pipelines.ts';
import { PipelineError } from '../errors.ts';
import type { Operation } from '../operations/operation.ts';
import { PLATFORM_NAMES } from '../operations/ai/platform-texts.ts';

/** What a job of a pipeline remembers of its step. */
export type JobStep = NonNullable<JobRow['step']>;

export const stepOf = ({ name, version }: FoundPipeline, { when, optional }: PipelineStep): JobStep => ({ pipeline: name, version, ...(when ? { when } : {}), ...(optional ? { optional } : {}) });

/** For messages: an upgrade may have taken what a saved pipeline asks for. */
export const fieldOfStep = ({ name, version }: FoundPipeline, index: number): string => `pipeline ${name}${version === SHIPPED_VERSION ? '' : `@${version}`}: steps.${index}.`;

/** What an asset gets in its metadata, for the distribute workflow. */
export const destinationsOf = (pipeline: FoundPipeline | null): Record<string, unknown> => {
	const { platforms, text, metadata } = pipeline?.definition.destinations ?? {};
	return { ...metadata, ...(platforms ? { platforms } : {}), ...(text !== undefined ? { text } : {}), ...(pipeline ? { pipeline: pipeline.name } : {}) };
};

/** Where an earlier pipeline has said where to go, the one of now says it anew; what people wrote stays. */
export const withDestinations = (pipeline: FoundPipeline | null, metadata: Record<string, unknown>): Record<string, unknown> =>
	metadata['pipeline'] === undefined ? { ...destinationsOf(pipeline), ...metadata } : { ...metadata, ...destinationsOf(pipeline) };

export const DEFAULT_PIPELINE = 'default';

/** What ships: what a page, a player and a search need of anything. A workspace may save a `default` of its own. */
export const SHIPPED: Readonly<Record<string, PipelineDefinition>> = {
	[DEFAULT_PIPELINE]: pipelineDefinitionSchema.parse({
		description: 'A thumbnail, a preview, a stream for browsers, what is said, and a text for posts.',
		steps: [
			{ operation: 'thumbnail', when: { file_type: 'video' } },
			{ operation: 'image_thumbnail', when: { file_type: 'image' } },
			{ operation: 'preview', when: { file_type: 'video' } },
			{ operation: 'image_preview', when: { file_type: 'image' } },
			{ operation: 'stream', when: { file_type: 'video' } },
			{ operation: 'transcribe', when: { has_audio: true }, optional: true },
			{ operation: 'caption', optional: true },
		],
	}),
};

/** Version of what comes with the program: saved ones count from 1. */
const SHIPPED_VERSION = 0;

export interface FoundPipeline {
	name: string;
	version: number;
	definition: PipelineDefinition;
	createdAt: Date | null;
}

/** `reference`: `podcast` or `podcast@3`. Throws `not_found` naming those there are. */
export async function readPipeline(db: Executor, workspaceId: string, reference: string, field = 'pipeline'): Promise<FoundPipeline> {
	const [name = '', version] = reference.split('@');
	// Of another shape it may come from the path, and from settings that were saved earlier.
	const row = PIPELINE_REFERENCE.test(reference) ? await findPipeline(db, workspaceId, name, version === undefined ? null : Number(version)) : null;
	if (row) return fromRow(row);
	const shipped = version === undefined && Object.hasOwn(SHIPPED, name) ? SHIPPED[name] : undefined;
	if (shipped) return { name, version: SHIPPED_VERSION, definition: shipped, createdAt: null };
	const known = (await allPipelines(db, workspaceId)).map((one) => one.name);
	throw new PipelineError('not_found', `${field}: there is no pipeline "${reference}" in this workspace. There are: ${known.join(', ')}.`, { details: { field, known } });
}

/** Those of the workspace, and those that come with the program under other names; by name. */
export async function allPipelines(db: Executor, workspaceId: string): Promise<FoundPipeline[]> {
	const own = (await listPipelines(db, workspaceId)).map(fromRow);
	const shipped = Object.entries(SHIPPED).flatMap(([name, definition]) => (own.some((one) => one.name === name) ? [] : [{ name, version: SHIPPED_VERSION, definition, createdAt: null }]));
	return [...own, ...shipped].sort((a, b) => a.name.localeCompare(b.name));
}

const fromRow = ({ name, version, definition, createdAt }: PipelineRow): FoundPipeline => ({ name, version, definition: pipelineDefinitionSchema.parse(definition), createdAt });

export const pipelineView = ({ name, version, definition, createdAt }: FoundPipeline): PipelineView => ({ name, version, ...definition, created_at: createdAt?.toISOString() ?? null });

/** Everything that would only go wrong when the pipeline is used. Throws `unknown_operation` or `invalid_request` with every problem named by its field. */
export function checkPipeline(operations: ReadonlyMap<string, Operation>, definition: PipelineDefinition): void {
	const problems = [
		...definition.steps.flatMap((step, index) => stepProblems(operations, step, `steps.${index}`)),
		...(definition.destinations.platforms ?? []).flatMap((name, index) =>
			(PLATFORM_NAMES as readonly string[]).includes(name) ? [] : [{ field: `destinations.platforms.${index}`, problem: `there is no platform "${name.slice(0, 50)}". Known: ${PLATFORM_NAMES.join(', ')}.` }],
		),
	];
	if (problems.length === 0) return;
	throw new PipelineError('invalid_request', problems.map(({ field, problem }) => `${field}: ${problem}`).join('; '), { details: { problems } });
}

const BOUNDS = ['duration_seconds', 'width', 'height', 'bytes'] as const;

function stepProblems(operations: ReadonlyMap<string, Operation>, { operation: name, params, when, optional }: PipelineStep, field: string): Array<{ field: string; problem: string }> {
	const operation = operations.get(name);
	if (name === INGEST) return [{ field: `${field}.operation`, problem: 'ingest happens by itself, before the first step.' }];
	if (!operation) return [{ field: `${field}.operation`, problem: `there is no operation "${name.slice(0, 60)}". Known: ${[...operations.keys()].sort().join(', ')}.` }];
	if (operation.accepts === 'none') {
		const instead = name === 'publish' ? ' Posts need tokens, which a pipeline cannot keep: name the platforms in destinations, and the distribute workflow posts.' : '';
		return [{ field: `${field}.operation`, problem: `${name} does not work on the media of an asset.${instead}` }];
	}
	const kinds = when?.file_type === undefined ? null : [when.file_type].flat();
	if (kinds && !kinds.some((kind) => (operation.accepts as readonly string[]).includes(kind))) {
		return [{ field: `${field}.when.file_type`, problem: `${name} takes ${(operation.accepts as readonly string[]).join(', ')}: with this condition it can never run.` }];
	}
	const crossed = BOUNDS.find((bound) => (when?.[`min_${bound}`] ?? 0) > (when?.[`max_${bound}`] ?? Infinity));
	if (crossed) return [{ field: `${field}.when.max_${crossed}`, problem: `is below min_${crossed}: with this condition it can never run.` }];
	try {
		const parsed: unknown = parse(operation.params, params, `${field}.params`);
		return optional && operation.guards?.(parsed) ? [{ field: `${field}.optional`, problem: `${name} decides whether the other steps may run; where it may be left out, it guards nothing. Take optional away, or set its action to report.` }] : [];
	} catch (error) {
		const given = error instanceof PipelineError ? (error.details?.['problems'] as Array<{ field: string; problem: string }> | undefined) : undefined;
		return given ?? [{ field: `${field}.params`, problem: error instanceof Error ? error.message : String(error) }];
	}
}
