import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * What holds for all code that is not part of the n8n package (that one has n8n's own config in the root). Each folder has
 * its own eslint.config.mjs, found with ESLINT_FLAGS=v10_config_lookup_from_file; `npm run lint` sets it.
 */

/** Soft limit 200 lines, hard 400: a file that needs more does more than one thing. */
const MAX_LINES = 400;

/** @param {string} folder the folder of the config, `import.meta.dirname` */
export function base(folder) {
	return tseslint.config(
		{ ignores: ['**/dist/**', '**/node_modules/**', '**/data/**', '**/.cache/**', '**/build/**'] },
		{
			files: ['**/*.ts', '**/*.tsx'],
			extends: [js.configs.recommended, tseslint.configs.recommendedTypeChecked],
			languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['*.config.ts'] }, tsconfigRootDir: folder } },
			rules: {
				'max-lines': ['error', { max: MAX_LINES }],
				'@typescript-eslint/no-explicit-any': 'error',
				'@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
				'@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
				// `async` without `await` is how an implementation fits an interface of promises.
				'@typescript-eslint/require-await': 'off',
				// Our interfaces are objects of plain functions, which are passed around one by one.
				'@typescript-eslint/unbound-method': 'off',
				'@typescript-eslint/restrict-template-expressions': [
					'error',
					{ allowNumber: true, allow: ['Error', 'URL', 'URLSearchParams'] },
				],
				// The compiler finds these (noUncheckedIndexedAccess, strict), with types.
				'no-undef': 'off',
			},
		},
		{
			files: ['**/*.{js,mjs}'],
			extends: [js.configs.recommended],
			languageOptions: { globals: NODE_GLOBALS },
			rules: { 'max-lines': ['error', { max: MAX_LINES }] },
		},
	);
}

const NODE_GLOBALS = Object.fromEntries(
	[
		'process', 'console', 'Buffer', 'URL', 'URLSearchParams', 'fetch', 'setTimeout', 'clearTimeout', 'setInterval',
		'clearInterval', 'setImmediate', 'AbortController', 'AbortSignal', 'performance', 'structuredClone', 'TextDecoder',
		'TextEncoder', 'Response', 'Request', 'Headers', 'FormData', 'Blob', 'EventSource',
	].map((name) => [name, 'readonly']),
);
