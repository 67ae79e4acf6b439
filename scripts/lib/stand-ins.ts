import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startMastodonEmulator } from '../../test/platforms/mastodon.ts';
import { startOpenAi } from '../../test/platforms/openai.ts';
import { startXEmulator } from '../../test/platforms/x.ts';
import type { StoredCredential } from './n8n-api.ts';
import { nextFreePort } from './ports.ts';
import type { CredentialIds, CredentialSpec } from './seed-n8n.ts';

/**
 * Local stand-ins for what nobody has configured: servers on loopback that speak the platforms' protocols (the ones the
 * tests use), so that a first video can go all the way without an account.
 */

/** First port tried; the next free ones follow. */
const FIRST_PORT = 8091;
const X_CREDENTIAL = 'mediaPipelineXOAuth2Api';
const MASTODON_CREDENTIAL = 'mediaPipelineMastodonApi';

export interface StandIns {
	running: Array<{ name: string; url: string }>;
	/** Environment variables of the sidecar. */
	variables: Record<string, string>;
	/** Credentials of n8n for them. */
	credentials: CredentialSpec[];
	/** Accounts that the user connected in n8n, for the templates. */
	ownAccounts: CredentialIds;
	/** How to replace each of them by the real thing. */
	advice: string[];
	close(): Promise<void>;
}

export interface StandInOptions {
	wanted: boolean;
	environment: NodeJS.ProcessEnv;
	/** What n8n has already. */
	credentials: StoredCredential[];
	/** Existing folder for what the stand-ins need. */
	folder: string;
}

interface Server {
	url: string;
	close(): Promise<void>;
}

/** Starts a stand-in for every service that is not configured. */
export async function planStandIns({ wanted, environment, credentials, folder }: StandInOptions): Promise<StandIns> {
	const plan: StandIns = { running: [], variables: {}, credentials: [], ownAccounts: {}, advice: [], close: async () => undefined };
	const own = (type: string) => credentials.find((credential) => credential.type === type && credential.name !== STAND_IN_NAMES[type]);
	for (const type of [X_CREDENTIAL, MASTODON_CREDENTIAL]) {
		const account = own(type);
		if (account) plan.ownAccounts[type] = { id: account.id, name: account.name };
	}
	if (!wanted) return plan;

	const servers: Server[] = [];
	plan.close = async () => void (await Promise.all(servers.map((server) => server.close())));
	const start = async (name: string, startServer: (options: { port: number }) => Promise<Server>): Promise<Server> => {
		const server = await startServer({ port: await nextFreePort(FIRST_PORT + servers.length) });
		servers.push(server);
		plan.running.push({ name, url: server.url });
		return server;
	};
	if (!plan.ownAccounts[X_CREDENTIAL] && !environment.X_API_BASE_URL) {
		const { url } = await start('X', startXEmulator);
		plan.variables.X_API_BASE_URL = url;
		plan.variables.X_WEB_BASE_URL = url;
		// No refresh token: n8n then never asks the real X to renew it.
		const oauthTokenData = { access_token: 'x-token', token_type: 'bearer' };
		plan.credentials.push({ name: STAND_IN_NAMES[X_CREDENTIAL]!, type: X_CREDENTIAL, data: { clientId: 'stand-in', clientSecret: 'stand-in', oauthTokenData } });
		plan.advice.push('X: make a credential "Media Pipeline X OAuth2 API" in n8n, choose it in the workflow, start again.');
	}
	if (!plan.ownAccounts[MASTODON_CREDENTIAL]) {
		const { url } = await start('Mastodon', startMastodonEmulator);
		plan.credentials.push({ name: STAND_IN_NAMES[MASTODON_CREDENTIAL]!, type: MASTODON_CREDENTIAL, data: { baseUrl: url, accessToken: 'mastodon-token' } });
		plan.advice.push('Mastodon: make a credential "Media Pipeline Mastodon API" in n8n and choose it in the workflow.');
	}
	if (!environment.OPENAI_API_KEY && !environment.OPENAI_BASE_URL) {
		const ai = await startAi();
		servers.push(ai);
		plan.running.push({ name: 'AI', url: ai.url });
		plan.variables.OPENAI_BASE_URL = ai.url;
		plan.variables.OPENAI_API_KEY = 'test-key';
		if (!environment.AI_ROUTING_FILE) {
			plan.variables.AI_ROUTING_FILE = join(folder, 'ai-stand-in.json');
			await writeFile(plan.variables.AI_ROUTING_FILE, JSON.stringify(LOCAL_FIRST, null, 2));
		}
		plan.advice.push('AI: local engines do what they can. Post texts come from a stand-in that does not look and always answers the same. Set OPENAI_API_KEY for real captions, translations and better transcripts.');
	}
	const hosts = plan.running.map(({ url }) => new URL(url).host);
	if (hosts.length > 0) plan.variables.ALLOWED_PRIVATE_HOSTS = hosts.join(',');
	return plan;
}

const STAND_IN_NAMES: Record<string, string> = {
	[X_CREDENTIAL]: 'X (local stand-in)',
	[MASTODON_CREDENTIAL]: 'Mastodon (local stand-in)',
};

/** The stand-in only writes post texts, for which there is no local engine, and hears only where none is installed. */
const LOCAL_FIRST = {
	transcribe: [{ provider: 'local', model: 'whisper' }, { provider: 'local', model: 'pocketsphinx' }, { provider: 'openai' }],
	describe: [{ provider: 'local' }],
	translate: [{ provider: 'local' }],
	embed: [{ provider: 'local' }],
	embed_image: [{ provider: 'local' }],
	moderate: [{ provider: 'local' }],
	speak: [{ provider: 'local' }],
};

/** What it says instead of what it does not hear and see. */
const STAND_IN_TRANSCRIPT = ['This text comes from a stand-in.', 'It does not listen to the video.'];
const STAND_IN_CAPTION = 'A first post by the media pipeline. (Text by a stand-in that has not seen the video.)';
/** Seconds that each sentence of the transcript is given. */
const SENTENCE_SECONDS = 3;

async function startAi(): Promise<Server> {
	const ai = await startOpenAi();
	const segments = STAND_IN_TRANSCRIPT.map((text, index) => ({ start: index * SENTENCE_SECONDS, end: (index + 1) * SENTENCE_SECONDS, text }));
	ai.transcript = { text: STAND_IN_TRANSCRIPT.join(' '), language: 'english', segments };
	const valid = ai.answer;
	ai.answer = (request) => withText(valid(request), STAND_IN_CAPTION);
	return ai;
}

/** The same answer, with every sentence in it replaced. Words such as names of platforms and tags stay. */
function withText(value: unknown, text: string): unknown {
	if (typeof value === 'string') return value.includes(' ') ? text : value;
	if (Array.isArray(value)) return value.map((entry) => withText(entry, text));
	if (typeof value === 'object' && value !== null) {
		return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withText(entry, text)]));
	}
	return value;
}
