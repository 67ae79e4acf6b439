import { copyFile, link, mkdir, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { mimeOfName } from './package.ts';
import type { EarlyFile, PlannedOutput } from './plan.ts';
import { verifyOutput } from './verify.ts';

/**
 * Finds what is whole while ffmpeg still runs: single pictures, and segments and manifests of packages. Relied on, and tried:
 * image2 writes a picture and closes the file (`-atomic_writing`: under another name until then); the dash muxer writes
 * segments and manifests as `*.tmp` and renames them, and its init segments, which it opens at the start, in one piece.
 */
export interface EarlyWatch {
	/** Looks once more each `everyMs`; ends with the last look under way. */
	stop(): Promise<void>;
}

/** Where ffmpeg writes an output. */
export interface Writing {
	planned: PlannedOutput;
	path: string;
}

/** Half of what a person notices as a pause. */
const LOOK_EVERY_MS = 500;

/**
 * @param folder where the files that are told of are put, as hard links: ffmpeg's own may be renamed, they may be moved
 * @param tell called once per final file, and for manifests whenever they have grown, after all that they name
 */
export function watchEarly(outputs: readonly Writing[], folder: string, signal: AbortSignal, tell: (file: EarlyFile) => void): EarlyWatch {
	/** Size and time of what was told, by path. */
	const told = new Map<string, string>();
	let count = 0;

	/** Answers where a copy of it lies, or null where there is nothing new. */
	const keep = async (path: string, how: typeof link): Promise<string | null> => {
		const state = await stateOf(path);
		if (state === null || told.get(path) === state) return null;
		await mkdir(folder, { recursive: true });
		const own = join(folder, `${(count += 1)}-${basename(path)}`);
		await how(path, own).catch(() => copyFile(path, own));
		told.set(path, state);
		return own;
	};
	const picture = async ({ planned, path }: Writing): Promise<void> => {
		if (told.has(path) || (await stateOf(path)) === null) return;
		const file = await verifyOutput(planned, path, path, { stderr: '', signal });
		const own = await keep(path, link);
		if (own) tell({ ...file, path: own, final: true });
	};
	const packaged = async ({ planned, path }: Writing): Promise<void> => {
		const [from, of] = [dirname(path), dirname(planned.name)];
		const list = async (): Promise<string[]> =>
			(await readdir(from)).filter((name) => !name.startsWith('.') && !name.endsWith('.tmp') && !planned.leaveOut?.includes(name));
		const fileOf = (name: string) => ({ name: `${of}/${name}`, mime: mimeOfName(name), ...(isMainManifest(name) ? {} : { part: true as const }) });
		const manifests: EarlyFile[] = [];
		for (const name of (await list()).filter(isManifest)) {
			// They are completed in place at the end: a link would change with them.
			const own = await keep(join(from, name), copyFile);
			if (own) manifests.push({ ...fileOf(name), path: own, final: false });
		}
		if (manifests.length === 0) return;
		// Listed after the manifests were copied: whatever those name is whole by now.
		for (const name of (await list()).filter((one) => !isManifest(one))) {
			const own = told.has(join(from, name)) ? null : await keep(join(from, name), link);
			if (own) tell({ ...fileOf(name), path: own, final: true });
		}
		// The one that players are given names the others: it comes last.
		for (const manifest of manifests.sort((a, b) => Number(b.part ?? false) - Number(a.part ?? false))) tell(manifest);
	};

	const look = async (): Promise<void> => {
		for (const output of outputs) {
			// Nothing here may spoil the run: what is not told now is made all the same.
			if (output.planned.kind === 'package') await packaged(output).catch(() => {});
			else if (isSinglePicture(output.planned)) await picture(output).catch(() => {});
		}
	};
	let busy = Promise.resolve();
	let looking = false;
	const timer = setInterval(() => {
		if (looking) return;
		looking = true;
		busy = look().finally(() => (looking = false));
	}, LOOK_EVERY_MS);
	return {
		stop: async () => {
			clearInterval(timer);
			await busy;
		},
	};
}

/** Of HLS or DASH: it names other files. */
export const isManifest = (name: string): boolean => /\.(m3u8|mpd)$/.test(name);
/** Manifests that players are given; all else in a package is a part. */
const isMainManifest = (name: string): boolean => name.endsWith('.mpd') || /^master\./.test(name);

/** Those that the engine itself gives to image2: others are animations, or grow. */
export const isSinglePicture = ({ kind, options }: PlannedOutput): boolean => kind === 'image' && !options.includes('-f');

/** Null: not there, or nothing in it yet. */
const stateOf = (path: string): Promise<string | null> =>
	stat(path).then(
		({ size, mtimeMs }) => (size > 0 ? `${size} ${mtimeMs}` : null),
		() => null,
	);

export const hasEarly = (outputs: readonly Writing[]): boolean => outputs.some(({ planned }) => planned.kind === 'package' || isSinglePicture(planned));
