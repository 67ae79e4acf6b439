import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_ROUTING } from '../../../../sidecar/src/ai/routing/defaults.ts';
import { CAPABILITY_NAMES, parseRouting, readRouting } from '../../../../sidecar/src/ai/routing/schema.ts';
import { ConfigError } from '../../../../sidecar/src/config.ts';

describe('the routing file', () => {
	const parse = (text: string) => parseRouting(text, 'routing.yaml', DEFAULT_ROUTING);
	const problemsOf = (text: string): string[] => {
		try {
			parse(text);
		} catch (error) {
			if (error instanceof ConfigError) return error.problems;
			throw error;
		}
		return [];
	};

	it('replaces the tasks that it names, and keeps the defaults of the others', () => {
		const routing = parse('transcribe:\n  - provider: openai\n    base_url: https://api.groq.com/openai/v1\n    api_key_env: GROQ_API_KEY\n    price: { audio_minute: 0.00067 }\n  - provider: local\nfaces: []\n');
		expect(routing.transcribe).toEqual([
			{ provider: 'openai', base_url: 'https://api.groq.com/openai/v1', api_key_env: 'GROQ_API_KEY', price: { audio_minute: 0.00067 } },
			{ provider: 'local' },
		]);
		expect(routing.faces).toEqual([]);
		expect(routing.write).toBe(DEFAULT_ROUTING.write);
	});

	it('is documented by an example that works', async () => {
		const text = await readFile('docs/ai.md', 'utf8');
		const example = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? 'none: there';
		expect(parse(example).transcribe.map(({ provider }) => provider)).toEqual(['local', 'openai', 'openai']);
		for (const task of CAPABILITY_NAMES) expect(text).toContain(`| \`${task}\` |`);
	});

	it('may be JSON, or empty', () => {
		expect(parse('{"write": [{"provider": "openai", "model": "gpt-4o"}]}').write).toEqual([{ provider: 'openai', model: 'gpt-4o' }]);
		expect(parse('# nothing yet\n')).toEqual(DEFAULT_ROUTING);
	});

	it('has a default for every task', () => {
		expect(Object.keys(DEFAULT_ROUTING).toSorted()).toEqual(CAPABILITY_NAMES.toSorted());
		expect(problemsOf(JSON.stringify(DEFAULT_ROUTING))).toEqual([]);
	});

	it('reports every problem at once, each with its path', () => {
		const text = `
transcribe:
  - provider: openai
    price: { image: -1, token: 2 }
    languages: [english]
  - provider: gogle
translate: openai
summarise: []
speak:
  - provider: openai
    requests_per_minute: 0
    api_key_env: sk-1234567890
`;
		const problems = problemsOf(text);
		expect(problems).toHaveLength(8);
		for (const path of ['transcribe[0].price.image: ', 'transcribe[0].price: there is no token', 'transcribe[0].languages[0]: must be an ISO', 'transcribe[1].provider: ', 'translate: ', 'summarise: no such task', 'speak[0].requests_per_minute: ', 'speak[0].api_key_env: must be the name']) {
			expect(problems).toContainEqual(expect.stringContaining(`AI_ROUTING_FILE (routing.yaml): ${path}`));
		}
		expect(problems.join()).not.toContain('sk-1234567890');
	});

	it.each([
		['fields that mean nothing there', '{"write":[{"provider":"openai","voice":"nova","max_seconds":3}]}', ['write[0].voice: only for speak', 'write[0].max_seconds: only for transcribe']],
		['an address of a local engine', '{"label":[{"provider":"local","base_url":"http://x"}]}', ['label[0]: a local engine has neither']],
		['the same provider twice', '{"write":[{"provider":"openai"},{"provider":"openai","parallel":2}]}', ['write[1]: the same as write[0]']],
		['a single model for three tasks', '{"transform":[{"provider":"replicate","model":"a/b"}]}', ['transform[0].model: name the model of each task in models']],
		['a list at the top', '[]', ['the whole file: ']],
	])('refuses %s', (_what, text, expected) => {
		const problems = problemsOf(text);
		expect(problems).toHaveLength(expected.length);
		expected.forEach((problem, index) => expect(problems[index]).toContain(problem));
	});

	it('takes one provider twice where the second is asked for another model or size', () => {
		expect(problemsOf('{"transform":[{"provider":"replicate","models":{"style":"a/b"}},{"provider":"replicate","models":{"style":"a/c"}}]}')).toEqual([]);
		expect(problemsOf('{"embed":[{"provider":"openai","dimensions":8},{"provider":"openai","dimensions":16}]}')).toEqual([]);
	});

	it.each([
		['a tab for indentation', 'transcribe:\n\t- provider: openai'],
		['a task named twice', 'write: []\nwrite: []'],
		['text that was cut', '{"write": ['],
		['references that grow without end', `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefg'].map((name, at) => `${name}: &${name} [${Array(10).fill(`*${'abcdefg'[at]}`).join(',')}]`).join('\n')}`],
	])('says where it cannot be read: %s', (_what, text) => {
		expect(problemsOf(text).length).toBeGreaterThan(0);
	});

	it('is read from disk, and says when it is not there', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'routing-'));
		const path = join(folder, 'routing.yaml');
		await expect(readRouting(path, DEFAULT_ROUTING)).rejects.toThrow(/AI_ROUTING_FILE: .*routing\.yaml cannot be read/);
		await writeFile(path, 'write: []');
		expect((await readRouting(path, DEFAULT_ROUTING)).write).toEqual([]);
		expect(await readRouting(undefined, DEFAULT_ROUTING)).toBe(DEFAULT_ROUTING);
		await rm(folder, { recursive: true });
	});
});
