import { drizzle } from 'drizzle-orm/node-postgres';
import { absent } from '../../../sidecar/src/ai/routing/absent.ts';
import { createPostLedger } from '../../../sidecar/src/db/posts.ts';
import * as schema from '../../../sidecar/src/db/schema.ts';
import { createAiOperations } from '../../../sidecar/src/operations/ai/index.ts';
import { createRemoveBackground } from '../../../sidecar/src/operations/enhance/remove-background.ts';
import { createStyleTransfer } from '../../../sidecar/src/operations/enhance/style-transfer.ts';
import { createUpscale } from '../../../sidecar/src/operations/enhance/upscale.ts';
import type { Operation } from '../../../sidecar/src/operations/operation.ts';
import { createMediaOperations } from '../../../sidecar/src/operations/registry.ts';
import { createPublish } from '../../../sidecar/src/operations/social/publish.ts';
import { createVault } from '../../../sidecar/src/secrets.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import { createMastodon } from '../../../sidecar/src/social/mastodon.ts';
import { createX } from '../../../sidecar/src/social/x.ts';

const never = (): never => {
	throw new Error('The documentation only describes operations.');
};

/** Every operation, as main.ts composes them (a test compares), but none of them can run. */
export function allOperations(): Operation[] {
	const ai = { ...absent('The documentation only describes operations.'), voiceActivity: { name: 'ffmpeg' as const, obstacle: never, speech: never } };
	const db = drizzle.mock({ schema });
	const engine = { runPlan: never };
	const http = createHttp();
	return [
		...createMediaOperations(),
		createRemoveBackground([]),
		createUpscale([]),
		createStyleTransfer([]),
		...createAiOperations({ ai, engine, db, facesAllowed: true, library: { search: never }, giveFeedback: never, tellLanguage: never }),
		createPublish({
			platforms: [createX({ http }), createMastodon({ http })],
			publish: { ledger: createPostLedger(db), vault: createVault('documentation') },
			resolveMedia: never,
			refusePublishing: never,
		}),
	];
}
