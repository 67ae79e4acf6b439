import tseslint from 'typescript-eslint';
import { base } from '../scripts/lint/base.mjs';

export default tseslint.config(...base(import.meta.dirname), {
	files: ['**/*.ts'],
	rules: {
		// Answers of servers are compared as a whole; a type for each would say nothing that the comparison does not.
		'@typescript-eslint/no-unsafe-assignment': 'off',
		'@typescript-eslint/no-unsafe-member-access': 'off',
		'@typescript-eslint/no-base-to-string': 'off',
		// `expect.stringMatching` and its siblings are typed `any`.
		'@typescript-eslint/no-unsafe-argument': 'off',
		'@typescript-eslint/no-unsafe-return': 'off',
	},
});
