import { drizzle } from 'drizzle-orm/node-postgres';
import { readConfig } from '../../../sidecar/src/config.ts';
import { absent } from '../../../sidecar/src/ai/routing/absent.ts';
import { createPostLedger } from '../../../sidecar/src/db/posts.ts';
import * as schema from '../../../sidecar/src/db/schema.ts';
import { createAiOperations } from '../../../sidecar/src/operations/ai/index.ts';
import { createRemoveBackground } from '../../../sidecar/src/operations/enhance/remove-background.ts';
import { createStyleTransfer } from '../../../sidecar/src/operations/enhance/style-transfer.ts';
import { createUpscale } from '../../../sidecar/src/operations/enhance/upscale.ts';
import type { Operation } from '../../../sidecar/src/operations/operation.ts';
import { createGuard } from '../../../sidecar/src/net/guard.ts';
import { createMediaOperations } from '../../../sidecar/src/operations/registry.ts';
import { createSocialOperations } from '../../../sidecar/src/operations/social/index.ts';
import { createVault } from '../../../sidecar/src/secrets.ts';
import { createPlatforms } from '../../../sidecar/src/social/platforms.ts';

const never = (): never => {
	throw new Error('The documentation only describes operations.');
};

/** Every operation, as main.ts composes them (a test compares), but none of them can run. */
export function allOperations(): Operation[] {
	const ai = { ...absent('The documentation only describes operations.'), voiceActivity: { name: 'ffmpeg' as const, obstacle: never, speech: never } };
	const db = drizzle.mock({ schema });
	const engine = { runPlan: never };
	return [
		...createMediaOperations(),
		createRemoveBackground([]),
		createUpscale([]),
		createStyleTransfer([]),
		...createAiOperations({ ai, engine, db, facesAllowed: true, library: { search: never }, giveFeedback: never, tellLanguage: never }),
		...createSocialOperations({
			db,
			platforms: createPlatforms({ settings: readConfig({}), guard: createGuard({ allowedPrivateHosts: [] }) }),
			publish: { ledger: createPostLedger(db), vault: createVault('documentation') },
			resolveMedia: never,
			fitting: { runPlan: never, probe: never, files: { find: never, keep: never, release: never } },
			refusePublishing: never,
		}),
	];
}
