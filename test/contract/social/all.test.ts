import { readdirSync } from 'node:fs';
import { createGuard } from '../../../sidecar/src/net/guard.ts';
import { readConfig } from '../../../sidecar/src/config.ts';
import { createPlatforms } from '../../../sidecar/src/social/platforms.ts';
import { STAGES } from '../../sidecar/social/stages/index.ts';

describe('the contract suite', () => {
	it('runs on every platform that the sidecar posts to', () => {
		const platforms = createPlatforms({ settings: readConfig({}), guard: createGuard({ allowedPrivateHosts: [] }) }).map(({ name }) => name).sort();
		const files = readdirSync(new URL('.', import.meta.url)).flatMap((file) => (file.endsWith('.test.ts') && file !== 'all.test.ts' ? [file.replace('.test.ts', '')] : []));
		expect(files.sort()).toEqual(platforms);
		expect(Object.keys(STAGES).sort()).toEqual(platforms);
	});
});
