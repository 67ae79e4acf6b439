import projects from '../../jest.config.mjs';

/** The end-to-end tests: a real n8n, a real sidecar process. Apart from the others, because they take minutes. */
const esm = projects.projects.find(({ displayName }) => displayName === 'unit');

export default {
	...esm,
	rootDir: '../..',
	displayName: 'e2e',
	testMatch: ['<rootDir>/test/e2e/**/*.e2e.test.ts'],
	testPathIgnorePatterns: ['/node_modules/'],
	// n8n, the sidecar and ffmpeg share the machine already.
	maxWorkers: 1,
	testTimeout: 240_000,
};
