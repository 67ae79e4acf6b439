import { PipelineError } from '../../errors.ts';
import type { Credentials, Platform, Settings } from '../../social/platform.ts';

/** Tokens for the account; `base_url` becomes the origin, so that `https://Host/` and `https://host` are one. */
export function readCredentials(secrets: Record<string, string>, platform: Platform): Credentials {
	const accessToken = secrets['access_token']?.trim();
	if (!accessToken) {
		throw new PipelineError('needs_reauth', `secrets.access_token is missing: ${platform.title} needs the token of an account. Connect the account in n8n and run it again.`);
	}
	const extra: Record<string, string> = {};
	for (const name of platform.needsSecrets ?? []) {
		const value = secrets[name]?.trim();
		if (!value) throw new PipelineError('invalid_request', `secrets.${name} is missing: ${platform.title} needs it beside the token.`, { details: { field: `secrets.${name}` } });
		extra[name] = value;
	}
	if (!platform.needsBaseUrl) return { accessToken, baseUrl: null, extra };
	const given = secrets['base_url']?.trim() ?? '';
	const url = URL.canParse(given) ? new URL(given) : null;
	if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
		throw new PipelineError('invalid_request', `secrets.base_url must be the address of the account's ${platform.title} server, e.g. https://mastodon.social.`, {
			details: { field: 'secrets.base_url' },
		});
	}
	return { accessToken, baseUrl: url.origin, extra };
}

/** Throws `invalid_request` with every option that the platform does not know or take. */
export function readSettings(given: Settings | undefined, platform: Platform): Settings {
	const parsed = platform.settings.safeParse(given ?? {});
	if (parsed.success) return parsed.data;
	const problems = parsed.error.issues.map((issue) => `params.settings${issue.path.length > 0 ? `.${issue.path.join('.')}` : ''}: ${issue.message}`);
	throw new PipelineError('invalid_request', `${platform.title}: ${problems.join(' ')} See docs/platforms/${platform.name}.md.`, { details: { field: 'params.settings' } });
}
