/**
 * Who may import whom inside the sidecar (docs/architecture.md):
 * `http → pipeline → operations → media | ai | social`, all of them → interfaces, never → a concrete adapter; `main` alone
 * (with its parts in `compose`, and `commands`) knows adapters; everyone may use `contract` and `errors`; the nodes and the sidecar share types only.
 */

/** Folder of sidecar/src → folders it must not reach up or across to. */
const FORBIDDEN = {
	contract: ['http', 'pipeline', 'operations', 'media', 'ai', 'social', 'sources', 'storage', 'queue', 'db', 'callbacks', 'net', 'ops'],
	net: ['http', 'pipeline', 'operations', 'media', 'ai', 'social', 'sources', 'storage', 'queue', 'db', 'callbacks', 'ops'],
	db: ['http', 'pipeline', 'operations', 'ai', 'social', 'sources', 'storage', 'queue', 'callbacks', 'net', 'ops'],
	queue: ['http', 'pipeline', 'operations', 'media', 'ai', 'social', 'sources', 'storage', 'callbacks', 'net', 'ops'],
	storage: ['http', 'pipeline', 'operations', 'media', 'ai', 'social', 'sources', 'queue', 'callbacks', 'ops'],
	sources: ['http', 'pipeline', 'operations', 'ai', 'social', 'queue', 'db', 'callbacks', 'ops'],
	media: ['http', 'pipeline', 'operations', 'ai', 'social', 'sources', 'queue', 'db', 'callbacks', 'ops'],
	ai: ['http', 'pipeline', 'operations', 'social', 'sources', 'queue', 'db', 'callbacks', 'ops'],
	social: ['http', 'pipeline', 'operations', 'ai', 'sources', 'queue', 'callbacks', 'ops'],
	operations: ['http', 'pipeline', 'queue', 'callbacks', 'ops'],
	pipeline: ['http', 'ops'],
	callbacks: ['http', 'operations', 'ops'],
};

/** Folders of interchangeable adapters, and the files in them that are no adapter but the interface or what all share. */
const SHARED_FILES = {
	queue: ['queue'],
	storage: ['storage', 'keys', 'signed-url', 'rendition-link', 'upload-link'],
	sources: ['source'],
	scan: ['scanner', 'address', 'compose'],
};

/** Adapters that lie among other files. */
const SINGLE_ADAPTERS = [
	'db/open',
	...['bluesky', 'facebook', 'instagram', 'linkedin', 'mastodon', 'pinterest', 'threads', 'tiktok', 'x', 'youtube'].map((platform) => `social/${platform}`),
	'media/engine',
	'callbacks/send',
];

const UP = '^(\\.\\./)+';

const noAdapters = [
	...Object.entries(SHARED_FILES).map(([folder, shared]) => ({
		regex: `${UP}${folder}/(?!(${shared.join('|')})\\.ts$)`,
		message: `This is an adapter: depend on the interface in ${folder}/${shared[0]}.ts, and let main.ts hand the adapter over.`,
	})),
	...SINGLE_ADAPTERS.map((adapter) => ({
		regex: `${UP}${adapter}\\.ts$`,
		message: 'This is an adapter: depend on its interface, and let main.ts hand the adapter over.',
	})),
];

const noNodes = {
	regex: `${UP}(nodes|credentials)/`,
	allowTypeImports: true,
	message: 'The nodes and the sidecar share types only (nodes/shared/wire.d.ts).',
};

const restrict = (patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });

/** ESLint merges no options: the block of a folder repeats what holds for all files. */
export function directions() {
	return [
		// What puts the program together (docs/architecture.md): main, its parts in compose, and what is started instead of it.
		{ files: ['src/**/*.ts'], ignores: ['src/main.ts', 'src/compose/**', 'src/commands/**'], rules: restrict([noNodes, ...noAdapters]) },
		...Object.entries(FORBIDDEN).map(([folder, forbidden]) => ({
			files: [`src/${folder}/**/*.ts`],
			rules: restrict([
				noNodes,
				...noAdapters,
				{
					regex: `${UP}(${forbidden.join('|')})/`,
					allowTypeImports: false,
					message: `${folder}/ must not depend on this: http → pipeline → operations → media | ai | social, never upwards.`,
				},
			]),
		})),
	];
}
