import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { copyFile, link, lstat, open, rename, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A name in the folder that is free, kept by an empty file: of two sidecars that move files of one name, each gets its own. Answers its path. */
export async function reserveName(folder: string, name: string): Promise<string> {
	const dot = name.lastIndexOf('.');
	for (let number = 1; ; number += 1) {
		const candidate = join(folder, number === 1 ? name : dot > 0 ? `${name.slice(0, dot)}-${number}${name.slice(dot)}` : `${name}-${number}`);
		try {
			await (await open(candidate, 'wx')).close();
			return candidate;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
		}
	}
}

/**
 * Moves a file over a name that was reserved. False: what lies there is not the file that is meant (any more), as `isIt` tells; it stays, or
 * goes back. The target may be on another disk that is mounted into the folder: then it is copied, and removed when the copy is whole.
 */
export async function moveFile(from: string, to: string, isIt: (stats: BigIntStats) => boolean): Promise<boolean> {
	try {
		await rename(from, to);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EXDEV') return copyAndRemove(from, to, isIt);
		throw error;
	}
	if (isIt(await lstat(to, { bigint: true }))) return true;
	// Put there at the last moment. If there is a still newer one by now, this one goes the way of all that was replaced.
	await link(to, from).catch((error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? undefined : rename(to, from)));
	await rm(to, { force: true });
	return false;
}

async function copyAndRemove(from: string, to: string, isIt: (stats: BigIntStats) => boolean): Promise<boolean> {
	const isStill = async (): Promise<boolean> => isIt(await lstat(from, { bigint: true }));
	const copy = join(dirname(to), `.${randomUUID()}.part`);
	try {
		const { atime, mtime } = await lstat(from);
		await copyFile(from, copy);
		await utimes(copy, atime, mtime);
		if (!(await isStill())) return false;
		await rename(copy, to);
		await rm(from);
		return true;
	} finally {
		await rm(copy, { force: true });
	}
}
