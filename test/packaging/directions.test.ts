import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');
const DIRECTION = '@typescript-eslint/no-restricted-imports';

interface Case {
	/** Below sidecar/src. */
	file: string;
	text: string;
}

const importOf = (path: string) => `import { thing } from '${path}';\nexport const used = String(thing);\n`;
const importing = (file: string, path: string): Case => ({ file, text: importOf(path) });

const REFUSED: Array<[string, Case]> = [
	['media must not know operations', importing('media/facts.ts', '../operations/operation.ts')],
	['operations must not know the pipeline', importing('operations/operation.ts', '../pipeline/run.ts')],
	['the pipeline must not know HTTP', importing('pipeline/submit.ts', '../http/app.ts')],
	['only main knows a storage adapter', importing('pipeline/submit.ts', '../storage/disk.ts')],
	['only main knows a queue adapter', importing('pipeline/submit.ts', '../queue/pg-boss.ts')],
	['only main knows a platform', importing('pipeline/submit.ts', '../social/mastodon.ts')],
	['the sidecar shares types only with the nodes', importing('pipeline/submit.ts', '../../../nodes/shared/sidecar.ts')],
];
const ALLOWED: Array<[string, Case]> = [
	['an interface', importing('pipeline/submit.ts', '../storage/storage.ts')],
	['the errors', importing('media/facts.ts', '../errors.ts')],
	['the next layer', importing('http/app.ts', '../pipeline/submit.ts')],
	['an adapter in main', importing('main.ts', './storage/disk.ts')],
];
const OTHERS: Array<[string, Case]> = [
	['@typescript-eslint/no-explicit-any', { file: 'errors.ts', text: 'export const value: any = 1;\n' }],
	['max-lines', { file: 'errors.ts', text: 'export {};\n'.repeat(401) }],
];

/** Rules broken by every case. One process for all: starting the type-aware linter takes seconds. */
function lint(cases: Case[]): string[][] {
	const script = `
		const { ESLint } = await import('eslint');
		const eslint = new ESLint({ flags: ['v10_config_lookup_from_file'] });
		const results = [];
		for (const { file, text } of JSON.parse(process.argv[1])) {
			const [result] = await eslint.lintText(text, { filePath: 'sidecar/src/' + file });
			results.push(result.messages.map(({ ruleId, message }) => ruleId ?? message));
		}
		console.log(JSON.stringify(results));`;
	const output = execFileSync(process.execPath, ['--input-type=module', '-e', script, JSON.stringify(cases)], {
		cwd: ROOT,
		encoding: 'utf8',
		env: { ...process.env, NODE_OPTIONS: '' },
	});
	return JSON.parse(output) as string[][];
}

describe('the linter', () => {
	const broken = new Map<Case, string[]>();
	beforeAll(() => {
		const cases = [...REFUSED, ...ALLOWED, ...OTHERS].map(([, one]) => one);
		lint(cases).forEach((rules, index) => broken.set(cases[index] as Case, rules));
	});

	it.each(REFUSED)('refuses an import against the direction: %s', (_name, one) => {
		expect(broken.get(one)).toContain(DIRECTION);
	});

	it.each(ALLOWED)('allows an import of %s', (_name, one) => {
		expect(broken.get(one)).not.toContain(DIRECTION);
	});

	it.each(OTHERS)('has the rule %s', (rule, one) => {
		expect(broken.get(one)).toContain(rule);
	});
});
