const path = require('node:path');
const { src, dest, parallel } = require('gulp');

/**
 * Copies what `tsc` leaves behind (icons and codex files) next to the compiled nodes and credentials. Limited to these two
 * folders, so that no other picture of the repository ends up in the package. One task per folder: gulp waits for both.
 */
const copyAssets = (folder) => {
	const task = () =>
		// encoding: false keeps PNG files intact, gulp 5 would read them as UTF-8.
		src(path.join(folder, '**', '*.{png,svg,node.json}'), { encoding: false }).pipe(dest(path.join('dist', folder)));
	task.displayName = `build:icons ${folder}`;
	return task;
};

exports['build:icons'] = parallel(copyAssets('nodes'), copyAssets('credentials'));
