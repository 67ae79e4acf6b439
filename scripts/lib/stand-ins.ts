import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOpenAi } from '../../test/platforms/openai.ts';
import { startWall } from '../../test/platforms/wall.ts';
import type { StoredCredential } from './n8n-api.ts';
import { nextFreePort } from './ports.ts';
import { credentialName, SOCIAL_STAND_INS, startSocialStandIns } from './social-stand-ins.ts';
import type { CredentialIds, CredentialSpec } from './seed-n8n.ts';

/**
 * Local stand-ins for what nobody has configured: servers on loopback that speak the platforms' protocols (the ones the
 * tests use), so that a first video can go all the way without an account.
 */

/** Name of the page that shows what was posted on all of them. */
export const WALL = 'Posts';

/** First port tried; the next free ones follow. */
const FIRST_PORT = 8091;

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
	close(): Promise<void>;
}

/** Starts a stand-in for every service that is not configured. */
export async function planStandIns({ wanted, environment, credentials, folder }: StandInOptions): Promise<StandIns> {
	const plan: StandIns = { running: [], variables: {}, credentials: [], ownAccounts: {}, advice: [], close: async () => undefined };
	for (const standIn of SOCIAL_STAND_INS) {
		const { credentialType: type } = standIn;
		const account = credentials.find((credential) => credential.type === type && credential.name !== credentialName(standIn));
		if (account) plan.ownAccounts[type] = { id: account.id, name: account.name };
	}
	if (!wanted) return plan;

	const servers: Server[] = [];
	plan.close = async () => void (await Promise.all(servers.map((server) => server.close())));
	const missing = SOCIAL_STAND_INS.filter(({ credentialType, variables }) => !plan.ownAccounts[credentialType] && !variables.some((name) => environment[name]));
	let hosts: string[] = [];
	if (missing.length > 0) {
		const wallPort = await nextFreePort(FIRST_PORT);
		const social = await startSocialStandIns(missing, wallPort + 1);
		servers.push(social);
		const wall = await startWall(social.running.map(({ standIn: { name }, server: { url } }) => ({ name, url })), wallPort);
		servers.push(wall);
		plan.running.push({ name: WALL, url: wall.url }, ...social.running.map(({ standIn: { name }, server: { url } }) => ({ name, url })));
		Object.assign(plan.variables, social.variables);
		plan.credentials.push(...social.credentials);
		hosts = social.hosts;
		plan.advice.push('A platform: make its credential in n8n, choose it in the workflow, start again. docs/platforms says how, one page each.');
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
	hosts = [...new Set([...hosts, ...plan.running.map(({ url }) => new URL(url).host)])];
	if (hosts.length > 0) plan.variables.ALLOWED_PRIVATE_HOSTS = hosts.join(',');
	return plan;
}

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

async function startAi(): Promise<Server & { url: string }> {
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
		// Two that say the same could not be compared.
		const own = 'variant' in value && typeof value.variant === 'number' && value.variant > 1 ? `${text} Variant ${value.variant}.` : text;
		return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withText(entry, own)]));
	}
	return value;
}
