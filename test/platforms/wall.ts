import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { articleHtml, escape, STYLE, type ShownPost } from './page.ts';

export interface WallPlatform {
	name: string;
	/** Where its emulator is. */
	url: string;
}

/** A page with everything that was published on several stand-ins, newest first, one column each; it brings itself up to date. */
export async function startWall(platforms: readonly WallPlatform[], port = 0): Promise<{ url: string; close(): Promise<void> }> {
	const app = express();
	app.disable('x-powered-by');
	app.get('/', async (_request, response) => {
		const columns = await Promise.all(platforms.map(async (platform) => ({ platform, posts: await readPosts(platform) })));
		response.type('html').send(wall(columns));
	});
	const server = app.listen(port, '127.0.0.1');
	await once(server, 'listening');
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		async close() {
			const closed = once(server, 'close');
			server.close();
			server.closeAllConnections();
			await closed;
		},
	};
}

async function readPosts({ url }: WallPlatform): Promise<ShownPost[]> {
	const answer = (await (await fetch(`${url}/emulator/posts`)).json()) as Array<Omit<ShownPost, 'at'> & { at: string }>;
	return answer.map((post) => ({ ...post, at: new Date(post.at), media: post.media.map((media) => ({ ...media, url: new URL(media.url, url).href })) }));
}

const RELOAD_SECONDS = 5;

function wall(columns: ReadonlyArray<{ platform: WallPlatform; posts: readonly ShownPost[] }>): string {
	const total = columns.reduce((sum, { posts }) => sum + posts.length, 0);
	const sections = columns.toSorted((a, b) => b.posts.length - a.posts.length || a.platform.name.localeCompare(b.platform.name)).map(
		({ platform, posts }) => `<section>
<h2><a href="${escape(platform.url)}">${escape(platform.name)}</a> <small>${posts.length}</small></h2>
${posts.toReversed().map(articleHtml).join('\n') || '<p class="note">Nothing yet.</p>'}
</section>`,
	);
	return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What was posted (local stand-ins)</title>
<style>${STYLE}
	body { max-width: none; }
	main { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: 1.5rem; align-items: start; }
	h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
	small { color: #666; font-weight: normal; }
</style>
<h1>What was posted</h1>
<p class="note">Local stand-ins: nothing here was published on the internet. ${total} ${total === 1 ? 'post' : 'posts'} on ${columns.length} platforms.</p>
<main>
${sections.join('\n')}
</main>
<script>
	// Not while a video plays.
	setInterval(() => { if (![...document.querySelectorAll('video, audio')].some((media) => !media.paused)) location.reload(); }, ${RELOAD_SECONDS * 1000});
</script>
</html>
`;
}
