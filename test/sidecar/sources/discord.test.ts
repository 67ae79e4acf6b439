import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createFetchSource } from '../../../sidecar/src/sources/fetch-source.ts';
import { startDiscord, type DiscordEmulator } from '../../platforms/discord.ts';
import { live, sourceSettings } from '../../support/sources.ts';

const PATH = '/attachments/1/2/clip.mp4';
const later = (seconds: number): Date => new Date(Date.now() + seconds * 1000);

describe('an attachment of Discord', () => {
	let folder: string;
	let discord: DiscordEmulator;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'discord-'));
		discord = await startDiscord();
		discord.attachments.set(PATH, Buffer.from('film'));
	});
	afterEach(async () => {
		await discord.close();
		await rm(folder, { recursive: true, force: true });
	});
	const fetchFile = (url: string, token?: string) =>
		createFetchSource(sourceSettings({ allowed: [new URL(discord.apiUrl).host], discordApiBaseUrl: discord.apiUrl }))({
			place: { type: 'discord', url },
			secrets: token ? { bot_token: token } : {},
			destPath: join(folder, 'file'),
			signal: live(),
			onProgress: () => {},
		});

	it('is brought by its link, without asking the bot', async () => {
		expect(await fetchFile(discord.link(PATH, later(3600)), 'bot-token')).toMatchObject({ bytes: 4, fileName: 'clip.mp4' });
		expect(discord.counts).toEqual({ cdn: 1, refresh: 0 });
	});

	it('is asked for no more when its link has expired: it says so, and what to do', async () => {
		await expect(fetchFile(discord.link(PATH, later(-60)))).rejects.toMatchObject({ code: 'input_not_found', message: expect.stringMatching(/expired on .*bot_token/) });
		expect(discord.counts).toEqual({ cdn: 0, refresh: 0 });
	});

	it('is brought by a renewed link: after its time, without a signature, and with a wrong one', async () => {
		for (const url of [discord.link(PATH, later(-60)), discord.link(PATH, later(3600)).split('?')[0] as string, discord.link(PATH, later(3600)).replace(/hm=../, 'hm=00')]) {
			expect(await fetchFile(url, 'bot-token')).toMatchObject({ bytes: 4 });
		}
		expect(discord.counts.refresh).toBe(3);
		await expect(fetchFile(discord.link(PATH, later(3600)).split('?')[0] as string)).rejects.toMatchObject({ code: 'input_not_found', message: expect.stringContaining('signature') });
	});

	it('says so when the message is deleted, the bot refused, or Discord busy; the token is never shown', async () => {
		await expect(fetchFile(discord.link('/attachments/1/2/gone.mp4', later(-1)), 'bot-token')).rejects.toMatchObject({ code: 'input_not_found', message: expect.stringContaining('deleted') });
		const error: unknown = await fetchFile(discord.link(PATH, later(-1)), 'wrong-bot-token').catch((caught: unknown) => caught);
		expect(error).toMatchObject({ code: 'needs_reauth' });
		expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('wrong-bot-token');
		discord.failures.push({ status: 429, retryAfter: '5' });
		await expect(fetchFile(discord.link(PATH, later(-1)), 'bot-token')).rejects.toMatchObject({ code: 'input_unreachable', retryAfterSeconds: 5 });
	});

	it('is not the link to a message', async () => {
		await expect(fetchFile('https://discord.com/channels/1/2/3')).rejects.toMatchObject({ code: 'input_unsupported' });
	});
});
