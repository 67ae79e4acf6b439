import { drizzle } from 'drizzle-orm/node-postgres';
import type { Transcriber } from '../../../sidecar/src/ai/transcriber.ts';
import type { Writer } from '../../../sidecar/src/ai/writer.ts';
import { createPostLedger } from '../../../sidecar/src/db/posts.ts';
import * as schema from '../../../sidecar/src/db/schema.ts';
import { createCaption } from '../../../sidecar/src/operations/ai/caption.ts';
import { createTranscribe } from '../../../sidecar/src/operations/ai/transcribe.ts';
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
	const transcriber: Transcriber = { name: 'none', maxBytes: 0, check: never, transcribe: never };
	const writer: Writer = { name: 'none', check: never, write: never };
	const engine = { runPlan: never };
	const http = createHttp();
	return [
		...createMediaOperations(),
		createRemoveBackground([]),
		createUpscale([]),
		createStyleTransfer([]),
		createTranscribe({ transcriber, engine }),
		createCaption({ writer, engine }),
		createPublish({
			platforms: [createX({ http }), createMastodon({ http })],
			publish: { ledger: createPostLedger(drizzle.mock({ schema })), vault: createVault('documentation') },
			resolveMedia: never,
		}),
	];
}
