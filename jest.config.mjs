/**
 * Jest projects. The sidecar is ESM and its tests run as ESM (PGlite and file-type cannot be loaded otherwise); the nodes
 * are CommonJS, as n8n loads them. Run with NODE_OPTIONS=--experimental-vm-modules (the npm scripts do).
 */
const swc = (type) => ({
	transform: {
		'^.+\\.[tj]s$': [
			'@swc/jest',
			{
				jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2023' },
				module: { type },
				sourceMaps: 'inline',
			},
		],
	},
	transformIgnorePatterns: ['/node_modules/'],
	testEnvironment: 'node',
	modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/sidecar/dist', '<rootDir>/data', '<rootDir>/.cache'],
});
const esm = { ...swc('es6'), extensionsToTreatAsEsm: ['.ts'] };

export default {
	// A loaded machine of two cores takes a minute for what else takes seconds.
	testTimeout: 120_000,
	// Jest's modules of ESM are not let go after a suite. A worker that keeps them spends more time on collecting garbage than on
	// tests: 53 suites took 174 s without this, 74 s with it, 86 s with a new worker for each.
	workerIdleMemoryLimit: '150MB',
	projects: [
		{ ...esm, displayName: 'unit', testMatch: ['<rootDir>/test/sidecar/**/*.test.ts', '<rootDir>/test/platforms/**/*.test.ts'], testPathIgnorePatterns: ['\\.int\\.test\\.ts$'] },
		{ ...esm, displayName: 'integration', testMatch: ['<rootDir>/test/sidecar/**/*.int.test.ts'] },
		{ ...esm, displayName: 'contract', testMatch: ['<rootDir>/test/contract/**/*.test.ts'] },
		{ ...swc('commonjs'), displayName: 'nodes', testMatch: ['<rootDir>/test/nodes/**/*.test.ts'] },
		{ ...swc('commonjs'), displayName: 'packaging', testMatch: ['<rootDir>/test/packaging/**/*.test.ts'] },
	],
};
