import { isIP } from 'node:net';
import type { Config } from '../config.ts';
import { isPublicHost, normaliseHost, parseAllowList } from '../net/addresses.ts';
import { checkBaseUrl, type Guard } from '../net/guard.ts';

/** Where requests go. Those of `…_WEB_BASE_URL` only stand in links. Found by their names, so that none is forgotten. */
const IS_BASE = /(?<!_WEB)_BASE_URL$|_ENDPOINT$/;

/** What is wrong with the addresses of services that the operator set: media and keys go there, so public ones must be reached by TLS. */
export function checkBaseUrls(config: Config, guard: Guard): string[] {
	const allowed = parseAllowList(config.ALLOWED_PRIVATE_HOSTS);
	return Object.entries(config).flatMap(([name, url]) => {
		if (!IS_BASE.test(name) || typeof url !== 'string') return [];
		const problems: string[] = [];
		checkBaseUrl(url, guard, (problem) => problems.push(`${name}: ${problem}`));
		const { protocol, hostname, port } = new URL(url);
		if (problems.length === 0 && protocol === 'http:' && !config.ALLOW_HTTP && isPublicHost(hostname) && !allowed.allows(hostname, isIP(normaliseHost(hostname)) ? normaliseHost(hostname) : null, Number(port || 80))) {
			problems.push(`${name}: plain http:// to ${hostname}, where anybody on the way can read along. Use https://; or, if that host is in your own network, add it to ALLOWED_PRIVATE_HOSTS.`);
		}
		return problems;
	});
}
