import { startDiscord, type DiscordEmulator } from './discord.ts';

const PATH = '/attachments/1/2/clip.mp4';

describe('the stand-in of Discord', () => {
	let discord: DiscordEmulator;
	beforeAll(async () => {
		discord = await startDiscord();
		discord.attachments.set(PATH, Buffer.from('film'));
	});
	afterAll(() => discord.close());
	const later = (seconds: number): Date => new Date(Date.now() + seconds * 1000);
	const status = async (url: string): Promise<number> => (await fetch(url)).status;
	const refresh = async (body: unknown, headers: Record<string, string> = {}) => {
		const all = { authorization: 'Bot bot-token', 'user-agent': 'DiscordBot (https://example.com, 1)', 'content-type': 'application/json', ...headers };
		const response = await fetch(`${discord.apiUrl}/attachments/refresh-urls`, { method: 'POST', headers: all, body: JSON.stringify(body) });
		return { status: response.status, json: (await response.json().catch(() => null)) as { refreshed_urls?: Array<{ refreshed: string | null }> } | null };
	};

	it('sends an attachment only for a link that it signed, for this path and until its time', async () => {
		const link = discord.link(PATH, later(60));
		expect(await status(link)).toBe(200);
		expect(await status(discord.link(PATH, later(-60)))).toBe(404);
		expect(await status(link.replace('clip', 'other'))).toBe(404);
		expect(await status(link.replace(/ex=[0-9a-f]+/, 'ex=ffffffff'))).toBe(404);
		expect(await status(link.replace(/is=[0-9a-f]+/, 'is=1'))).toBe(404);
		expect(await status(link.split('?')[0] ?? '')).toBe(404);
		expect(await status(discord.link('/attachments/1/2/none.mp4', later(60)))).toBe(404);
	});

	it('renews links for bots that name themselves, and no more than 50', async () => {
		const one = { attachment_urls: [discord.link(PATH, later(-60))] };
		const { json } = await refresh(one);
		expect(await status(json?.refreshed_urls?.[0]?.refreshed ?? '')).toBe(200);
		expect((await refresh({ attachment_urls: [discord.link('/attachments/9/9/x.mp4', later(1))] })).json?.refreshed_urls?.[0]?.refreshed).toBeNull();
		expect((await refresh(one, { authorization: 'Bot wrong' })).status).toBe(401);
		expect((await refresh(one, { authorization: 'Bearer bot-token' })).status).toBe(401);
		expect((await refresh(one, { 'user-agent': 'node' })).status).toBe(403);
		for (const urls of [undefined, [], 'x', Array.from({ length: 51 }, () => one.attachment_urls[0])]) expect((await refresh({ attachment_urls: urls })).status).toBe(400);
	});
});
