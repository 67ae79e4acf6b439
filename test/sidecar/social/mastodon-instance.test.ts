import { isMastodon } from '../../../sidecar/src/social/mastodon-instance.ts';

describe('isMastodon', () => {
	it.each([
		['4.5.0', true],
		['4.3.2+glitch', true],
		['4.5.0-nightly.2025-10-01', true],
		['2.7.2 (compatible; Pleroma 2.9.0)', false],
		['3.5.3 (compatible; Pixelfed 0.12.4)', false],
		['0.17.3 git-c84384e', false],
		['', false],
	])('%j: %s', (version, expected) => expect(isMastodon({ version })).toBe(expected));
});
