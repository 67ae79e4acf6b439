/**
 * Three social platforms that take a file of a gigabyte, in a process of their own, so that what they need is not the sidecar's. They hash
 * and drop what arrives. Says over IPC where they are; asked again, what was posted.
 */
import { startFacebookEmulator } from '../../test/platforms/facebook.ts';
import { startTikTokEmulator } from '../../test/platforms/tiktok.ts';
import { startYouTubeEmulator } from '../../test/platforms/youtube.ts';

/** What the parent is told at the start. */
export interface Places {
	/** Settings of the sidecar. */
	variables: Record<string, string>;
	hosts: string[];
}

/** What was posted on each, SHA-256 of the media, oldest first. */
export type Posted = Record<'youtube' | 'tiktok' | 'facebook', string[]>;

/** The real size of a piece is Facebook's choice. */
const FACEBOOK_PIECE_BYTES = 8 * 1024 * 1024;

const youtube = await startYouTubeEmulator({ discard: true });
const tiktok = await startTikTokEmulator({ discard: true });
const facebook = await startFacebookEmulator({ discard: true, chunkBytes: FACEBOOK_PIECE_BYTES });
const hashes = (posts: ReadonlyArray<{ media: ReadonlyArray<{ sha256: string }> }>): string[] => posts.flatMap(({ media }) => media.map(({ sha256 }) => sha256));

process.on('message', () => {
	const posted: Posted = { youtube: hashes(youtube.posts), tiktok: hashes(tiktok.posts), facebook: hashes(facebook.posts) };
	process.send?.(posted);
});
process.on('disconnect', () => process.exit());
const places: Places = {
	variables: {
		YOUTUBE_API_BASE_URL: `${youtube.url}/youtube/v3`,
		YOUTUBE_UPLOAD_BASE_URL: `${youtube.url}/upload/youtube/v3`,
		YOUTUBE_WEB_BASE_URL: youtube.url,
		TIKTOK_API_BASE_URL: tiktok.url,
		TIKTOK_WEB_BASE_URL: tiktok.url,
		META_GRAPH_BASE_URL: facebook.url,
		META_GRAPH_VIDEO_BASE_URL: facebook.videoUrl,
		META_UPLOAD_BASE_URL: facebook.uploadUrl,
		FACEBOOK_WEB_BASE_URL: facebook.url,
	},
	hosts: [youtube.url, tiktok.url, facebook.url, facebook.videoUrl, facebook.uploadUrl].map((url) => new URL(url).host),
};
process.send?.(places);
