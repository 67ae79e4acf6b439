import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir } from './paths.mjs';
import { cleanEnvironment, run } from './shell.mjs';

/**
 * A real Postgres with pgvector, for tests and benchmarks. On Debian it is unpacked from the distribution's packages into a
 * folder of the cache, once per machine and without touching the system; pgvector is built from Debian's own source package,
 * taken from the next release where this one has none. On other systems one that is installed already is used.
 */

/** Debian 12, and the release whose source package of pgvector is built there. */
const SOURCE_RELEASE = { bookworm: 'trixie' };
/** Its Postgres. Debian's packages can be moved: Postgres finds its files relative to its own program. */
const MAJOR = 15;
const PACKAGES = [`postgresql-${MAJOR}`, `postgresql-client-${MAJOR}`, `postgresql-server-dev-${MAJOR}`];

/**
 * The folder with `postgres`, `initdb` and `pg_ctl`. Throws with the reason when there is none and none can be made.
 * @param {(line: string) => void} say
 */
export async function postgresWithVector(say) {
	const installed = await installedOne();
	if (installed) return installed;
	const codename = await release();
	const source = /** @type {Record<string, string>} */ (SOURCE_RELEASE)[codename];
	if (!source) throw new Error('no Postgres with pgvector is installed (on this system: install the package of pgvector for your Postgres)');
	const recipe = await readFile(fileURLToPath(import.meta.url));
	const folder = join(cacheDir(), `postgres-vector-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}`);
	const programs = join(folder, 'usr', 'lib', 'postgresql', String(MAJOR), 'bin');
	if (existsSync(folder)) return programs;
	say('A Postgres with pgvector is built once on this machine, for tests (about a minute)');
	say(`  into ${folder}`);
	await mkdir(dirname(folder), { recursive: true });
	const staging = `${folder}.building-${process.pid}`;
	try {
		await build(staging, codename, source);
		// Losing the race against another one is fine.
		await rename(staging, folder).catch((error) => {
			if (!existsSync(folder)) throw error;
		});
	} finally {
		await rm(staging, { recursive: true, force: true });
	}
	return programs;
}

/** Where Linux distributions of the Debian family put versions of Postgres. */
async function installedOne() {
	const majors = await readdir('/usr/share/postgresql').catch(() => []);
	for (const major of majors.sort((a, b) => Number(b) - Number(a))) {
		const bin = `/usr/lib/postgresql/${major}/bin`;
		if (existsSync(`/usr/share/postgresql/${major}/extension/vector.control`) && existsSync(join(bin, 'initdb'))) return bin;
	}
	return null;
}

async function release() {
	const about = await readFile('/etc/os-release', 'utf8').catch(() => '');
	return /^VERSION_CODENAME=(\w+)$/m.exec(about)?.[1] ?? '';
}

/** @param {string} root @param {string} codename @param {string} source */
async function build(root, codename, source) {
	const packages = join(root, 'packages');
	const work = join(root, 'source');
	for (const folder of [packages, work]) await mkdir(folder, { recursive: true });
	const own = await aptFolder(join(root, 'apt'), await sources(codename, codename, 'deb'));
	const next = await aptFolder(join(root, 'apt-source'), await sources(codename, source, 'deb-src'));
	await own(['update'], root);
	await own(['download', ...PACKAGES], packages);
	for (const file of await readdir(packages)) await run('dpkg-deb', ['-x', join(packages, file), root]);
	await next(['update'], root);
	await next(['source', 'pgvector'], work);
	const entries = await readdir(work, { withFileTypes: true });
	const folder = entries.find((entry) => entry.isDirectory());
	if (!folder) throw new Error('the source package of pgvector holds no folder');
	const pgConfig = join(root, 'usr', 'lib', 'postgresql', String(MAJOR), 'bin', 'pg_config');
	// OPTFLAGS: not tuned to this machine's processor, as the folder may be shared. Bitcode would need clang.
	const flags = [`PG_CONFIG=${pgConfig}`, 'with_llvm=no', 'OPTFLAGS='];
	const cwd = join(work, folder.name);
	await run('make', flags, { cwd });
	await run('make', ['install', ...flags], { cwd });
	for (const name of ['packages', 'source', 'apt', 'apt-source', 'usr/share/doc', 'usr/share/locale', 'usr/share/man', `usr/lib/postgresql/${MAJOR}/lib/bitcode`]) {
		await rm(join(root, name), { recursive: true, force: true });
	}
}

/**
 * apt-get with folders of its own: what the system knows of packages stays as it is, and no rights are needed.
 * @param {string} folder
 * @param {string} list content of a `.sources` file
 */
async function aptFolder(folder, list) {
	for (const name of ['lists/partial', 'cache/archives/partial', 'parts']) await mkdir(join(folder, name), { recursive: true });
	const file = join(folder, 'parts', 'list.sources');
	await writeFile(file, list);
	const options = {
		'Dir::Etc::SourceList': '/dev/null',
		'Dir::Etc::SourceParts': join(folder, 'parts'),
		'Dir::State::Lists': join(folder, 'lists'),
		'Dir::Cache': join(folder, 'cache'),
		'APT::Sandbox::User': '',
	};
	const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
	/** @param {string[]} args @param {string} cwd */
	return (args, cwd) => run('apt-get', ['-q', ...flags, ...args], { cwd, env: cleanEnvironment({ DEBIAN_FRONTEND: 'noninteractive' }) });
}

/**
 * The machine's own mirrors of a release, as a `.sources` file for the same or another release.
 * @param {string} codename
 * @param {string} wanted
 * @param {'deb' | 'deb-src'} type
 */
async function sources(codename, wanted, type) {
	const parts = await readdir('/etc/apt/sources.list.d').catch(() => []);
	const files = ['/etc/apt/sources.list', ...parts.map((name) => `/etc/apt/sources.list.d/${name}`)];
	const stanzas = [];
	for (const path of files) {
		const text = await readFile(path, 'utf8').catch(() => '');
		const mirrors = path.endsWith('.sources') ? deb822(text, codename) : oneLine(text, codename);
		for (const { uri, signedBy } of mirrors) stanzas.push([`Types: ${type}`, `URIs: ${uri}`, `Suites: ${wanted}`, 'Components: main', ...(signedBy ? [`Signed-By: ${signedBy}`] : [])].join('\n'));
	}
	if (stanzas.length === 0) throw new Error(`apt knows no mirror of ${codename}`);
	return `${stanzas.join('\n\n')}\n`;
}

/** @typedef {{ uri: string, signedBy: string | undefined }} Mirror */

/** @param {string} text @param {string} codename @returns {Mirror[]} */
function deb822(text, codename) {
	return text.split(/\n\s*\n/).flatMap((stanza) => {
		const field = (/** @type {string} */ name) => new RegExp(`^${name}:\\s*(.+)$`, 'mi').exec(stanza)?.[1]?.trim();
		const uri = field('URIs')?.split(/\s+/)[0];
		return uri && field('Suites')?.split(/\s+/).includes(codename) ? [{ uri, signedBy: field('Signed-By') }] : [];
	});
}

/** @param {string} text @param {string} codename @returns {Mirror[]} */
function oneLine(text, codename) {
	return [...text.matchAll(/^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s/gm)].flatMap(([, options = '', uri = '', suite]) =>
		suite === codename ? [{ uri, signedBy: /signed-by=(\S+)/i.exec(options)?.[1] }] : [],
	);
}
