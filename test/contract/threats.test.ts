import { readFile } from 'node:fs/promises';

const root = new URL('../../', import.meta.url);

/** Rows of the table of threats: each names the tests that prove its defence, as `file`: “name”, “name”. */
async function proofs(): Promise<Array<{ threat: string; tests: Array<{ file: string; name: string }> }>> {
	const page = await readFile(new URL('docs/security.md', root), 'utf8');
	const section = page.split(/^## /m).find((one) => one.startsWith('Threats')) ?? '';
	return section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| threat')).map((line) => {
		const [threat = '', , proof = ''] = line.slice(2).split(' | ');
		const tests = [...proof.matchAll(/`([^`]+\.test\.ts)`: ((?:“[^”]+”(?:, )?)+)/g)].flatMap(([, file = '', names = '']) => [...names.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({ file, name })));
		return { threat, tests };
	});
}

describe('the table of threats (docs/security.md)', () => {
	it('names a test for every threat, and each of them is there', async () => {
		const rows = await proofs();
		expect(rows.length).toBeGreaterThan(25);
		const missing: string[] = rows.filter(({ tests }) => tests.length === 0).map(({ threat }) => `${threat}: no test`);
		for (const { file, name } of rows.flatMap(({ tests }) => tests)) {
			const text = await readFile(new URL(`test/${file}`, root), 'utf8').catch(() => '');
			const isThere = ["'", '"', '`'].some((quote) => text.includes(`${quote}${name}${quote}, `));
			if (!isThere) missing.push(`${file}: ${name}`);
		}
		expect(missing).toEqual([]);
	});
});
