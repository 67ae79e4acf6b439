import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import { createLinkedIn } from '../../../sidecar/src/social/linkedin.ts';
import type { PostMedia, Settings } from '../../../sidecar/src/social/platform.ts';
import { publishPost, type PublishRequest } from '../../../sidecar/src/social/publish.ts';
import { startLinkedInEmulator, type LinkedInEmulator, type LinkedInEmulatorOptions } from '../../platforms/linkedin.ts';
import type { Account } from './stages/stage.ts';
import { dependencies, fakeClock, imageOf, openTestDatabase, videoOf, type Clock } from './support.ts';

export const PAGE = 'urn:li:organization:2414183';

export interface Setting extends LinkedInEmulatorOptions {
	token?: string;
	settings?: Settings;
	version?: string;
}
export const asPage: Setting = { token: 'linkedin-page-token', settings: { organization: '2414183' } };

/** A database, files and a LinkedIn, for the tests of one file: a new LinkedIn for each. */
export class LinkedInWorld {
	database!: OpenDatabase;
	folder!: string;
	video!: PostMedia;
	picture!: PostMedia;
	clock!: Clock;
	linkedIn!: LinkedInEmulator;

	async open(): Promise<void> {
		this.database = await openTestDatabase();
		this.folder = await mkdtemp(join(tmpdir(), 'linkedin-'));
		[this.video, this.picture] = await Promise.all([videoOf(this.folder, 3 * 1024 * 1024 + 1), imageOf(this.folder, 20_000)]);
	}

	async close(): Promise<void> {
		await this.database.close();
		await rm(this.folder, { recursive: true });
	}

	async start({ token = 'linkedin-token', settings = {}, version = '202609', ...options }: Setting = {}): Promise<Account> {
		const clock = (this.clock = fakeClock());
		const linkedIn = (this.linkedIn = await startLinkedInEmulator({ now: clock.now, partBytes: 1024 * 1024, ...options }));
		const platform = () => createLinkedIn({ http: createHttp({ now: () => new Date(clock.now()) }), apiBaseUrl: `${linkedIn.url}/`, webBaseUrl: linkedIn.url, version });
		return { platform, settings, credentials: { accessToken: token, baseUrl: null, extra: {} } };
	}

	publish(request: PublishRequest) {
		return publishPost(dependencies(this.database, this.clock), request);
	}

	/** The error that it ends with. */
	refused(request: PublishRequest): Promise<unknown> {
		return this.publish(request).then(() => Promise.reject(new Error('it should have failed')), (error: unknown) => error);
	}
}
