import type { AiReport } from '../ai/routing/report.ts';
import type { OpenDatabase } from '../db/database.ts';
import type { OutboxDeps } from '../callbacks/outbox.ts';
import type { GiveFeedback } from '../operations/ai/give-feedback.ts';
import type { Library } from '../operations/ai/library.ts';
import type { Scanner } from '../scan/scanner.ts';
import type { ListSourceFiles } from '../sources/source.ts';
import type { AuditTrail } from '../ops/audit-trail.ts';
import type { SigningKey } from '../storage/signed-url.ts';
import type { Storage } from '../storage/storage.ts';
import type { DeliverySettings } from './deliver.ts';
import type { PlayerSettings } from './player/page.ts';
import type { RateLimits } from './rate-limits.ts';

/** What the HTTP layer works with. Built once in `main.ts`. */
export interface HttpDeps extends OutboxDeps {
	database: OpenDatabase;
	storage: Storage;
	/** Who did what. */
	audit: AuditTrail;
	/** Signs and checks links to files and uploads. */
	signingKey: SigningKey;
	publicUrl: string;
	delivery: DeliverySettings;
	player: PlayerSettings;
	maxFileBytes: number;
	/** Of resumable uploads. */
	maxUploadBytes: number;
	/** Where they grow, on the disk of this machine. */
	uploadFolder: string;
	uploadUrlTtlSeconds: number;
	/** A body that stops coming for so long is cut. Default: a minute. */
	bodySilenceMs?: number;
	/** How long a request waits for a rendition that is being made. */
	renditionWaitSeconds: number;
	/** Search over the assets of a workspace. */
	library: Library;
	giveFeedback: GiveFeedback;
	/** Finds an asset by what it says of itself now. */
	reindex(asset: { id: string; workspaceId: string }): Promise<unknown>;
	/** What a folder, feed or bucket holds. */
	listSource: ListSourceFiles;
	/** Throws when nothing may be sent to this URL (net/guard.ts). */
	checkCallbackUrl(url: string): Promise<unknown>;
	/** As WorkerDeps have it: what the settings of a workspace may ask for. */
	scanner?: Scanner | null;
	scanOptional?: boolean;
	/** Absent: nobody is limited. */
	rateLimits?: RateLimits;
	/** `trust proxy` of express. Default: none. */
	trustProxy?: false | number | string[];
	/** Pages whose scripts may call the API. Default none. */
	apiCorsOrigins?: readonly string[];
	version: string;
	/** Problems that make this process unfit for work now; empty: ready. */
	readiness(): Promise<string[]>;
	/** Who serves each task of AI now, and why others cannot. */
	aiReport(): AiReport;
}
