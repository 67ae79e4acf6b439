import { readReport } from '../../../sidecar/src/social/pace.ts';

const now = new Date('2026-11-21T10:00:00Z');

describe('what an answer says of a rate limit', () => {
	it.each<[string, Record<string, string>, { limit: number; remaining: number; resetsAt: string }]>([
		['X: unix seconds', { 'x-rate-limit-limit': '100', 'x-rate-limit-remaining': '7', 'x-rate-limit-reset': '1795255500' }, { limit: 100, remaining: 7, resetsAt: '2026-11-21T10:05:00.000Z' }],
		['Mastodon: a time', { 'x-ratelimit-limit': '300', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2026-11-21T10:05:00.000Z' }, { limit: 300, remaining: 0, resetsAt: '2026-11-21T10:05:00.000Z' }],
		['Pinterest: several windows, and seconds from now', { 'x-ratelimit-limit': '100, 100;w=1, 1000;w=60', 'x-ratelimit-remaining': '99', 'x-ratelimit-reset': '1' }, { limit: 100, remaining: 99, resetsAt: '2026-11-21T10:00:01.000Z' }],
	])('is read as %s writes it', (_, headers, expected) => {
		const report = readReport(headers, now);
		expect(report && { ...report, resetsAt: report.resetsAt.toISOString() }).toEqual(expected);
	});

	it.each<[string, Record<string, string>]>([
		['nothing', {}],
		['only a part', { 'x-rate-limit-limit': '100' }],
		['words', { 'x-rate-limit-limit': 'many', 'x-rate-limit-remaining': '7', 'x-rate-limit-reset': '1795255500' }],
	])('is nothing where it says %s', (_, headers) => expect(readReport(headers, now)).toBeNull());
});
