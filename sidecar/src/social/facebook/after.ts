import { basename } from 'node:path';
import { z } from 'zod';
import type { FacebookApi, FacebookPage } from './api.ts';
import { HttpFailure } from '../outcome.ts';
import type { PlatformRun, Post, PostMedia, PostSubtitles } from '../platform.ts';

const successAnswer = z.object({ success: z.literal(true) });

export const hasMore = (post: Post): boolean => post.replyTo === null && (post.cover !== null || post.subtitles.length > 0);

/** Thumbnail and tracks of subtitles of a video that exists (platforms.md 6.3). Each may be sent again: it takes the place of the one before. */
export async function addToVideo(api: FacebookApi, run: PlatformRun, page: FacebookPage, videoId: string): Promise<string[]> {
	const { cover, subtitles } = run.post;
	const path = `/${encodeURIComponent(videoId)}`;
	const send = (action: string, edge: string, fields: FormFields) =>
		api.send(run, page, { action, effect: 'upload', method: 'POST', path: `${path}/${edge}`, body: { kind: 'form', fields }, schema: successAnswer });
	const parts = [
		...(cover ? [() => send('set the thumbnail', 'thumbnails', thumbnail(cover))] : []),
		...subtitles.map((track, index) => () => send(`add the subtitles in ${track.language}`, 'captions', captions(track, index === 0))),
	];
	const warnings: string[] = [];
	for (const part of parts) {
		try {
			await part();
		} catch (error) {
			// One that is refused does not keep back the others.
			if (!(error instanceof HttpFailure) || error.decision !== 'stop') throw error;
			warnings.push(`Facebook did not ${error.action}: ${error.detail || 'no reason given'}${error.hint ? ` ${error.hint}` : ''}`);
		}
	}
	return warnings;
}

type FormFields = Extract<NonNullable<Parameters<FacebookApi['send']>[2]['body']>, { kind: 'form' }>['fields'];

const thumbnail = ({ path, bytes, mime }: PostMedia): FormFields => [
	{ name: 'is_preferred', value: 'true' },
	{ name: 'source', file: { path, start: 0, end: bytes, fileName: basename(path), mime } },
];

/** The name of the file says the language: `name.en_US.srt`. The names of the fields: platforms.md 6.3 (unconfirmed). */
function captions({ language, srt }: PostSubtitles, isDefault: boolean): FormFields {
	const locale = localeOf(language);
	return [
		...(isDefault ? [{ name: 'default_locale', value: locale }] : []),
		{ name: 'captions_file', bytes: { content: Buffer.from(srt), fileName: `subtitles.${locale}.srt`, mime: 'application/x-subrip' } },
	];
}

/** `pt-BR` → pt_BR, `de` → de_DE: where no country is given, that of most of its speakers. */
export function localeOf(language: string): string {
	const { language: code, region = 'US' } = new Intl.Locale(language).maximize();
	// Facebook has one Arabic, under a name of its own (unconfirmed).
	return code === 'ar' ? 'ar_AR' : `${code}_${region}`;
}
