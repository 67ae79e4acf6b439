import { isWindows, run, works, cleanEnvironment } from './shell.mjs';

/**
 * Programs that do not come from npm. On Debian and Ubuntu they are installed when this user may do that without a
 * password; everywhere else the exact command is named.
 */

/** `command`: what is asked, where that is not the program itself. @type {Record<string, { command?: string, probe: string[], packages: Record<string, string[]> }>} */
const PROGRAMS = {
	ffmpeg: {
		probe: ['-version'],
		packages: { 'apt-get': ['ffmpeg'], dnf: ['ffmpeg'], pacman: ['ffmpeg'], apk: ['ffmpeg'], brew: ['ffmpeg'], winget: ['Gyan.FFmpeg'] },
	},
	'espeak-ng': {
		probe: ['--version'],
		packages: {
			'apt-get': ['espeak-ng', 'fonts-dejavu-core'],
			dnf: ['espeak-ng', 'dejavu-sans-fonts'],
			pacman: ['espeak-ng', 'ttf-dejavu'],
			apk: ['espeak-ng', 'font-dejavu'],
			brew: ['espeak-ng'],
			winget: ['eSpeak-NG.eSpeak-NG'],
		},
	},
	flite: { probe: ['-lv'], packages: { 'apt-get': ['flite'], dnf: ['flite'], pacman: ['flite'], apk: ['flite'], brew: ['flite'] } },
	// With two pairs of languages; cg3 is needed by one of them.
	apertium: { probe: ['-V'], packages: { 'apt-get': ['apertium', 'apertium-eng-spa', 'apertium-spa-cat', 'cg3'] } },
	// Given nothing to do, it only loads its model of English.
	pocketsphinx_batch: {
		probe: ['-ctl', '/dev/null', '-logfn', '/dev/null', '-hmm', '/usr/share/pocketsphinx/model/en-us/en-us', '-dict', '/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict'],
		packages: { 'apt-get': ['pocketsphinx', 'pocketsphinx-en-us'] },
	},
	// Letters of most scripts, for burned-in subtitles: Hebrew stands for those of the one package, Japanese for the other.
	'Noto fonts': {
		command: 'fc-list',
		probe: ['-q', 'Noto Sans Hebrew'],
		packages: { 'apt-get': ['fontconfig', 'fonts-noto-core'], dnf: ['fontconfig', 'google-noto-sans-fonts', 'google-noto-sans-hebrew-fonts'], pacman: ['fontconfig', 'noto-fonts'], apk: ['fontconfig', 'font-noto', 'font-noto-hebrew'], brew: ['fontconfig', 'font-noto-sans', 'font-noto-sans-hebrew'] },
	},
	'Noto CJK fonts': {
		command: 'fc-list',
		probe: ['-q', 'Noto Sans CJK JP'],
		packages: { 'apt-get': ['fontconfig', 'fonts-noto-cjk'], dnf: ['google-noto-sans-cjk-fonts'], pacman: ['noto-fonts-cjk'], apk: ['font-noto-cjk'], brew: ['font-noto-sans-cjk'] },
	},
};

/** @type {Record<string, string>} */
const INSTALL_COMMANDS = {
	'apt-get': 'sudo apt-get update && sudo apt-get install -y --no-install-recommends',
	dnf: 'sudo dnf install -y',
	pacman: 'sudo pacman -S --needed',
	apk: 'sudo apk add',
	brew: 'brew install',
	winget: 'winget install',
};

/**
 * Makes sure that these programs can be run. Throws with the command to type when that needs the user.
 * @param {string[]} names
 * @param {(line: string) => void} say
 */
export async function ensurePrograms(names, say) {
	const missing = [];
	for (const name of names) {
		if (!(await works(PROGRAMS[name]?.command ?? name, PROGRAMS[name]?.probe))) missing.push(name);
	}
	if (missing.length === 0) return;
	const manager = await packageManager();
	if (manager === 'apt-get') {
		const prefix = await rootPrefix();
		if (prefix) return await aptInstall(prefix, missing, say);
	}
	throw new Error(howToInstall(missing, manager));
}

/**
 * The same for programs that one can do without: where they cannot be installed, that is said, and all goes on.
 * @param {string[]} names
 * @param {string} without what is missing then, a sentence
 * @param {(line: string) => void} say
 */
export async function offerPrograms(names, without, say) {
	try {
		await ensurePrograms(names, say);
	} catch (error) {
		say(`${without} ${error instanceof Error ? error.message : error}`);
	}
}

/** The first package manager of this machine that we know. */
async function packageManager() {
	const order = isWindows ? ['winget'] : process.platform === 'darwin' ? ['brew'] : ['apt-get', 'dnf', 'pacman', 'apk'];
	for (const name of order) {
		if (await works(name, ['--version'])) return name;
	}
	return undefined;
}

/** How to become root without a password: not at all, by sudo, or impossible (undefined). */
async function rootPrefix() {
	if (process.getuid?.() === 0) return [];
	return (await works('sudo', ['-n', 'true'])) ? ['sudo', '-n'] : undefined;
}

/**
 * @param {string[]} prefix
 * @param {string[]} names
 * @param {(line: string) => void} say
 */
async function aptInstall(prefix, names, say) {
	const packages = packagesOf(names, 'apt-get');
	say(`installing ${packages.join(', ')} (apt-get) …`);
	const [command = '', ...rest] = [...prefix, 'apt-get'];
	const env = cleanEnvironment({ DEBIAN_FRONTEND: 'noninteractive' });
	try {
		await run(command, [...rest, 'update', '-q'], { env });
	} catch (error) {
		// One broken source among several is common, and the packages may come from the others.
		say(`  apt-get update: ${error instanceof Error ? error.message.split('\n').at(-1) : error}`);
	}
	await run(command, [...rest, 'install', '-y', '-q', '--no-install-recommends', ...packages], { env });
	say('  done');
}

/** @param {string[]} names @param {string | undefined} manager */
function howToInstall(names, manager) {
	const what = names.join(' and ');
	if (!manager) return `${what} is missing. Install it and make sure that it is on the PATH (https://ffmpeg.org/download.html).`;
	return `${what} is missing. Install it with:\n\n    ${INSTALL_COMMANDS[manager]} ${packagesOf(names, manager).join(' ')}\n`;
}

/** @param {string[]} names @param {string} manager */
const packagesOf = (names, manager) => names.flatMap((name) => PROGRAMS[name]?.packages[manager] ?? [name]);
