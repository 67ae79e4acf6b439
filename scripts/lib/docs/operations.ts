import { z } from 'zod';
import { completeFacts, type MediaFacts } from '../../../sidecar/src/media/facts.ts';
import type { Operation } from '../../../sidecar/src/operations/operation.ts';
import { code, describeType, fence, GENERATED, table, type JsonSchema } from './markdown.ts';
import { nodeExample } from './node-examples.ts';

/** A video as phones make them: what an operation would make of it is shown as its result. */
const VIDEO: MediaFacts = completeFacts({
	mime: 'video/mp4',
	fileType: 'video',
	container: 'mov,mp4,m4a,3gp,3g2,mj2',
	bytes: 60_000_000,
	durationSeconds: 60,
	bitrate: 8_000_000,
	video: { codec: 'h264', width: 1920, height: 1080, frameRate: 30, pixelFormat: 'yuv420p', rotation: 0, bitrate: 7_800_000 },
	audio: { codec: 'aac', channels: 2, sampleRate: 48_000, bitrate: 192_000 },
});

/** docs/operations/README.md and one page per operation: path → content. */
export function operationsPages(operations: readonly Operation[]): Map<string, string> {
	return new Map([
		['docs/operations/README.md', overview(operations)],
		...operations.map((operation) => [`docs/operations/${operation.name}.md`, page(operation)] as const),
	]);
}

function overview(operations: readonly Operation[]): string {
	const groups = new Map<string, Operation[]>();
	for (const operation of operations) {
		const group = nodeExample(operation.name, operation.example).group;
		groups.set(group, [...(groups.get(group) ?? []), operation]);
	}
	const tables = [...groups].map(
		([group, members]) =>
			`## ${group}\n\n${table(
				['Operation', 'What it does', 'Takes', 'On the node'],
				members.map((operation) => [
					`[\`${operation.name}\`](${operation.name}.md)`,
					operation.summary,
					accepts(operation),
					nodeExample(operation.name, operation.example).label,
				]),
			)}`,
	);
	return `${GENERATED}
# Operations

${tables.join('\n\n')}

## How to run one

In n8n: a node. Over HTTP: \`POST /<operation>\` for one job with one callback; \`POST /api/media/batch\` for
many with one callback; \`POST /api/media/process\` for an asset with several operations, which n8n's process workflow runs.
All need \`Authorization: Bearer <API key>\` and answer at once; the result is the job's \`output_data\`, in the callback and at
\`GET /api/media/jobs/<job id>\`. Files in it are signed links. [callbacks.md](../callbacks.md) shows the bodies.

**Where the media comes from.** \`asset_id\` (it is there already), or \`file_url\` (it is downloaded first). The pseudo-operation
\`ingest\` only brings a file in and answers what it is. The node *Media Ingest* does that ([ingest.md](../ingest.md)). Fields that name further
media (a logo, music, clips) take \`{"asset_id": …}\` or \`{"file_url": …}\`.

**Fields beside \`params\`**: \`callback_url\`, \`progress_url\`, \`deadline_seconds\` (1 to 604800, default 86400), \`priority\` (-10 to 10),
\`job_id\` (your own reference, at most 200 characters), \`secrets\` (tokens that only this job may use).

A field that is not in the table of an operation is refused with \`invalid_request\`, which names it.

The curl examples want two variables: \`SIDECAR=http://127.0.0.1:8080\` and \`API_KEY=…\`. The n8n examples can be pasted onto the
canvas as they are; then choose the credential.
`;
}

function page(operation: Operation): string {
	const { name, summary, version } = operation;
	const { node, label, group } = nodeExample(name, operation.example);
	return `${[
		GENERATED.trimEnd(),
		`# ${name}`,
		`${summary} Takes: ${accepts(operation)}. Version ${version}.`,
		'## Parameters',
		parameters(operation),
		'## Result',
		result(operation),
		'## Over HTTP',
		fence('sh', curl(operation)),
		'## In n8n',
		group === node ? `*${node}*, operation *${label}*. To paste onto the canvas:` : `*${node}*, resource *${group.slice(node.length + 3)}*, operation *${label}*. To paste onto the canvas:`,
		nodeText(operation),
		'[All operations](README.md)',
	].join('\n\n')}\n`;
}

const accepts = ({ accepts: media }: Operation): string => (media === 'none' ? 'nothing, or an asset' : media.join(', '));

function parameters(operation: Operation): string {
	const schema = z.toJSONSchema(operation.params, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
	const variants = schema.oneOf ?? schema.anyOf;
	if (!variants) return fields(schema);
	return variants.map((variant) => `${title(variant)}\n\n${fields(variant)}`).join('\n\n');
}

/** The field that tells the variants of a union apart, with its value. */
function title(variant: JsonSchema): string {
	const [name, field] = Object.entries(variant.properties ?? {}).find(([, { const: fixed }]) => fixed !== undefined) ?? [];
	return `With \`${name}\` = ${code(field?.const)}: ${field?.description ?? ''}`;
}

function fields(schema: JsonSchema): string {
	const rows = fieldRows(schema, '');
	return rows.length === 0 ? 'No parameters.' : table(['Parameter', 'Value', 'Default', 'Meaning'], rows);
}

/** Fields of objects inside are listed as `logo.opacity`, those of lists as `filters[].name`. */
function fieldRows({ properties = {}, required = [] }: JsonSchema, prefix: string): string[][] {
	return Object.entries(properties)
		.filter(([, field]) => field.const === undefined || prefix !== '')
		.flatMap(([name, field]) => [
			[
				code(`${prefix}${name}`),
				describeType(field),
				field.default !== undefined ? code(field.default) : required.includes(name) ? '**required**' : '',
				// Where a description repeats the default for readers of the OpenAPI, the column says it already.
				(field.description ?? '').replace(/ Default [^.]*\.(?=$| )/, ''),
			],
			...inner(field, `${prefix}${name}`),
		]);
}

/** Media inputs are explained once, in the overview. */
function inner(field: JsonSchema, name: string): string[][] {
	if (field.type === 'array' && field.items) return inner(field.items, `${name}[]`);
	const variants = field.oneOf ?? field.anyOf;
	if (variants) return isMediaInput(variants) ? [] : variants.flatMap((variant) => inner(variant, name));
	return field.properties ? fieldRows(field, `${name}.`) : [];
}

const isMediaInput = (variants: JsonSchema[]): boolean => variants.some(({ properties }) => properties !== undefined && 'file_url' in properties);

function result(operation: Operation): string {
	if (operation.produces) return operation.produces;
	if (operation.kind === 'task') throw new Error(`${operation.name}: say in \`produces\` what comes out.`);
	const plan = operation.plan(VIDEO, operation.params.parse(operation.example));
	const files = plan.outputs.map(({ name, mime }) => `\`${name}\` (${mime})`).join(', ');
	return `${Object.keys(plan.facts ?? {}).map(code).join(', ')}, sometimes \`reason\`. With the example on a 1080p MP4: ${files}.`;
}

/** Operations that act as somebody's account on a platform. Its example is on Mastodon, where every account has a server of its own. */
const AS_AN_ACCOUNT = ['publish', 'validate_post', 'post_status', 'delete_post'];

function curl({ name, example, accepts: media }: Operation): string {
	const own = AS_AN_ACCOUNT.includes(name) ? { secrets: { access_token: '…', base_url: 'https://mastodon.social' } } : {};
	const from = media === 'none' ? { asset_id: '<asset_id>' } : { file_url: 'https://example.com/video.mp4' };
	const body = JSON.stringify({ ...from, params: 'platform' in example && AS_AN_ACCOUNT.includes(name) ? { ...example, platform: 'mastodon' } : example, ...own });
	return `curl -X POST "$SIDECAR/${name}" -H "Authorization: Bearer $API_KEY" -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}

function nodeText({ name, example }: Operation): string {
	const { node, type, parameters: given } = nodeExample(name, example);
	const pasted = {
		nodes: [{ name: node, type: `n8n-nodes-media-pipeline.${type}`, typeVersion: 1, position: [0, 0], parameters: given }],
		connections: {},
	};
	return fence('json', JSON.stringify(pasted, null, 2).replace(/\[\s+0,\s+0\s+\]/, '[0, 0]'));
}
