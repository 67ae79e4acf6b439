import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { download } from '../net/download.ts';
import { safeFileName } from '../net/file-name.ts';
import { openHop } from '../net/http.ts';
import { NetError } from '../net/net-error.ts';
import { receive } from '../net/receive.ts';
import { guardFor, parsed, tokenGone } from './api.ts';
import { asHeader, ContentHash, DROPBOX, dropboxRefusal } from './dropbox-api.ts';
import { asPercent, type FetchFrom, type Place, type SourceRequest, type SourceSettings } from './source.ts';

type DropboxPlace = Extract<Place, { type: 'dropbox' }>;

/** A file of Dropbox: by its path or id, or by a shared link; with a token its checksum is verified. */
export const fetchDropbox: FetchFrom<DropboxPlace> = (request, settings) => {
	const { place, secrets } = request;
	if (secrets['access_token']) return fetchWithToken(request, settings, secrets['access_token']);
	if (place.url !== undefined && place.path === undefined) return fetchOpenly(request, settings, place.url);
	throw tokenGone('Dropbox access token');
};

/** A link that anyone may open: `dl=1` makes Dropbox send the file instead of its page (Dropbox help, "Force a shared link to download"). */
function fetchOpenly({ destPath, signal, onProgress }: SourceRequest<DropboxPlace>, settings: SourceSettings, link: string) {
	const url = new URL(link);
	// `/s/` and `/scl/fi/` are files; `/sh/` and `/scl/fo/` folders, which would come as one archive.
	if (/^\/(sh|scl\/fo)\//.test(url.pathname) && !url.searchParams.has('preview')) {
		throw new PipelineError('input_unsupported', 'This is a Dropbox link to a folder. Share the file itself, or list the folder (source dropbox_folder, with a token) and ingest the files in it.');
	}
	url.searchParams.delete('raw');
	url.searchParams.set('dl', '1');
	return download({ ...settings, url: url.href, destPath, signal, onProgress: asPercent(onProgress) });
}

const metadataSchema = z.looseObject({ name: z.string(), size: z.number().optional(), content_hash: z.string().optional(), rev: z.string().optional() });

async function fetchWithToken({ place, destPath, signal, onProgress }: SourceRequest<DropboxPlace>, settings: SourceSettings, token: string) {
	const { contentBaseUrl } = settings.dropbox;
	const byLink = place.url !== undefined;
	const what = byLink ? 'file behind this shared link' : `file ${(place.path ?? '').slice(0, 200)}`;
	const argument = byLink ? { url: place.url, ...(place.path === undefined ? {} : { path: place.path }) } : { path: place.path };
	let metadata: z.infer<typeof metadataSchema> = { name: 'file' };
	let hash = new ContentHash();
	const received = await receive({
		...settings,
		where: DROPBOX,
		destPath,
		signal,
		onProgress: (done, total) => asPercent(onProgress)(done, total ?? metadata.size ?? null),
		alsoHash: () => (hash = new ContentHash()),
		async open({ offset, validator }, stop) {
			const answer = await openHop({
				guard: guardFor(settings.guard, contentBaseUrl),
				url: `${contentBaseUrl}/2/${byLink ? 'sharing/get_shared_link_file' : 'files/download'}`,
				method: 'POST',
				headers: {
					Authorization: `Bearer ${token}`,
					'Dropbox-API-Arg': asHeader(argument),
					'Content-Type': 'application/octet-stream',
					...(offset > 0 && validator ? { Range: `bytes=${offset}-` } : {}),
				},
				signal: stop,
			}).catch((error: unknown) => {
				if (error instanceof NetError) throw new PipelineError('input_unreachable', error.message, { cause: error });
				throw error;
			});
			const told = metadataSchema.safeParse(parsed(answer.headers['dropbox-api-result'] ?? '')).data;
			if (![200, 206, 416].includes(answer.status)) throw dropboxRefusal(answer.status, answer.headers, await readText(answer.stream), what);
			if (told) metadata = told;
			// The checksum of the content holds parts together: of two versions it is not the same.
			return told?.content_hash ? { ...answer, headers: { ...answer.headers, etag: `"${told.content_hash}"` } } : answer;
		},
	});
	if (metadata.content_hash && metadata.content_hash !== hash.digest()) {
		throw new PipelineError('input_unreachable', `The file ${safeFileName(metadata.name)} changed in Dropbox while it was downloaded.`);
	}
	return { bytes: received.bytes, sha256: received.sha256, contentType: null, fileName: safeFileName(metadata.name) };
}

/** Errors of Dropbox are small. */
async function readText(stream: AsyncIterable<Buffer>): Promise<string> {
	let text = '';
	for await (const chunk of stream) {
		text += String(chunk);
		if (text.length > 65_536) break;
	}
	return text;
}
