import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { download, retryAfterSeconds } from '../net/download.ts';
import { askApi, guardFor } from './api.ts';
import { asPercent, type FetchFrom, type Place, type SourceSettings } from './source.ts';

const WHERE = 'Discord';

/**
 * An attachment of a Discord message. Its link holds until the time in its query (`ex`, seconds since 1970 in hexadecimal;
 * Discord, "Signed Attachment CDN URLs"); with the token of a bot it is renewed, before that time or when it is refused.
 */
export const fetchDiscord: FetchFrom<Extract<Place, { type: 'discord' }>> = async ({ place, secrets, destPath, signal, onProgress }, settings) => {
	const token = secrets['bot_token'];
	const url = new URL(place.url);
	if (/^\/channels\//.test(url.pathname)) {
		throw new PipelineError('input_unsupported', 'This is a link to a Discord message, not to its attachment. Open the attachment and copy its link: it begins with https://cdn.discordapp.com/attachments/.');
	}
	const fetchFrom = (from: string) => download({ ...settings, url: from, destPath, signal, onProgress: asPercent(onProgress) });
	const end = expiryOf(url);
	if (end !== null && end.getTime() <= Date.now()) {
		if (!token) throw expired(end);
		return fetchFrom(await refresh(settings, place.url, token, signal));
	}
	try {
		return await fetchFrom(place.url);
	} catch (error) {
		const refused = error instanceof PipelineError && (error.code === 'input_not_found' || (error.code === 'input_forbidden' && error.details?.['status'] !== undefined));
		if (!refused) throw error;
		if (token) return fetchFrom(await refresh(settings, place.url, token, signal));
		if (end !== null) throw error;
		throw new PipelineError('input_not_found', 'Discord does not send this attachment: its link lacks the signature (?ex=…&is=…&hm=…), or was cut off. Copy the whole link, or give the token of a bot (bot_token) that renews it.', { details: error.details ?? {} });
	}
};

function expiryOf(url: URL): Date | null {
	const value = url.searchParams.get('ex') ?? '';
	return /^[0-9a-f]{1,12}$/i.test(value) ? new Date(Number.parseInt(value, 16) * 1000) : null;
}

const expired = (end: Date): PipelineError =>
	new PipelineError(
		'input_not_found',
		`This link to a Discord attachment expired on ${end.toISOString().slice(0, 16).replace('T', ' ')} UTC. Read the message again and take the new link, or give the token of a bot (bot_token): it renews links by itself.`,
		{ details: { expired_at: end.toISOString() } },
	);

const refreshedSchema = z.object({ refreshed_urls: z.array(z.object({ original: z.string(), refreshed: z.string().nullish() })) });

/** POST /attachments/refresh-urls. */
async function refresh(settings: SourceSettings, url: string, token: string, signal: AbortSignal): Promise<string> {
	const { discordApiBaseUrl: base } = settings;
	const answer = await askApi({
		guard: guardFor(settings.guard, base),
		where: WHERE,
		url: `${base}/attachments/refresh-urls`,
		method: 'POST',
		// Discord refuses clients that do not name themselves so (its documentation, "User Agent").
		headers: { Authorization: `Bot ${token}`, 'User-Agent': 'DiscordBot (https://www.npmjs.com/package/n8n-nodes-media-pipeline, 1)' },
		body: { attachment_urls: [url] },
		signal,
	});
	const { status, headers } = answer;
	if (status === 401 || status === 403) throw new PipelineError('needs_reauth', 'Discord refused the token of the bot. Copy it again from the Developer Portal (Bot → Reset Token), without "Bot" before it.', { details: { status } });
	if (status === 429 || status >= 500) {
		throw new PipelineError('input_unreachable', `Discord cannot renew the link at the moment (${status}).`, { details: { status }, retryAfterSeconds: retryAfterSeconds(headers) });
	}
	const renewed = refreshedSchema.safeParse(answer.json).data?.refreshed_urls[0]?.refreshed;
	if (status === 200 && renewed) return renewed;
	throw new PipelineError('input_not_found', 'Discord does not renew this link: the message or its attachment was deleted, or it is not the link of an attachment.', { details: { status } });
}
