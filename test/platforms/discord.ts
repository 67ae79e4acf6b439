import { createHmac } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express from 'express';

export interface DiscordEmulator {
	/** DISCORD_API_BASE_URL */
	apiUrl: string;
	/** Content of attachments by path: `/attachments/1/2/clip.mp4`. */
	attachments: Map<string, Buffer>;
	/** Bots that may renew links. */
	botTokens: Set<string>;
	failures: Array<{ status: number; retryAfter?: string }>;
	counts: { cdn: number; refresh: number };
	/** A link as Discord signs it, that holds until this time. */
	link(path: string, until: Date): string;
	close(): Promise<void>;
}

/** The CDN of Discord with its signed links, and the endpoint that renews them: https://discord.com/developers/docs/reference#signed-attachment-cdn-urls */
export async function startDiscord(): Promise<DiscordEmulator> {
	const app = express();
	const sign = (path: string, ex: string, is: string): string => createHmac('sha256', 'discord').update(`${path} ${ex} ${is}`).digest('hex');
	const base = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const emulator: Omit<DiscordEmulator, 'apiUrl' | 'close'> = {
		attachments: new Map(),
		botTokens: new Set(['bot-token']),
		failures: [],
		counts: { cdn: 0, refresh: 0 },
		link(path, until) {
			const ex = Math.floor(until.getTime() / 1000).toString(16);
			const is = Math.floor(until.getTime() / 1000 - 86_400).toString(16);
			return `${base()}${path}?ex=${ex}&is=${is}&hm=${sign(path, ex, is)}&`;
		},
	};
	app.get(/^\/attachments\//, (request, response) => {
		emulator.counts.cdn += 1;
		const { ex = '', is = '', hm } = request.query as Record<string, string>;
		const content = emulator.attachments.get(request.path);
		if (hm !== sign(request.path, ex, is) || Number.parseInt(ex, 16) * 1000 < Date.now() || !content) {
			return void response.status(404).type('text').send('This content is no longer available.');
		}
		response.set({ 'content-type': 'video/mp4', etag: '"a"' }).send(content);
	});
	app.post('/api/v10/attachments/refresh-urls', express.json(), (request, response) => {
		emulator.counts.refresh += 1;
		const failure = emulator.failures.shift();
		if (failure) return void response.status(failure.status).set(failure.retryAfter ? { 'retry-after': failure.retryAfter } : {}).json({ message: 'You are being rate limited.', retry_after: 1, global: false });
		if (!/^DiscordBot \(.+, .+\)/.test(request.headers['user-agent'] ?? '')) return void response.status(403).send('Cloudflare');
		const token = /^Bot (.+)$/.exec(request.headers.authorization ?? '')?.[1];
		if (!token || !emulator.botTokens.has(token)) return void response.status(401).json({ message: '401: Unauthorized', code: 0 });
		const urls = (request.body as { attachment_urls?: unknown }).attachment_urls;
		if (!Array.isArray(urls) || urls.length === 0 || urls.length > 50) return void response.status(400).json({ message: 'Invalid Form Body', code: 50035 });
		const refreshed = urls.map((url) => ({ original: String(url), refreshed: emulator.attachments.has(new URL(String(url)).pathname) ? emulator.link(new URL(String(url)).pathname, new Date(Date.now() + 86_400_000)) : null }));
		response.json({ refreshed_urls: refreshed });
	});
	const server = app.listen(0, '127.0.0.1');
	await new Promise<void>((resolve) => server.once('listening', resolve));
	return Object.assign(emulator, {
		apiUrl: `${base()}/api/v10`,
		close: () =>
			new Promise<void>((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	});
}
