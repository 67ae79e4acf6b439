import fc from 'fast-check';
import { deriveSigningKey, fileLink, filePath, signedUrl, verifyFolderLink, verifySignedUrl } from '../../../sidecar/src/storage/signed-url.ts';

const key = deriveSigningKey('an encryption key');
const now = new Date('2026-01-01T00:00:00Z');
const later = new Date('2026-01-01T01:00:00Z');

/** The link as a server receives it. */
const received = (link: string, method: string) => {
	const url = new URL(link);
	return { method, path: url.pathname, query: Object.fromEntries(url.searchParams) };
};

describe('signed links', () => {
	const get = signedUrl(key, 'https://media.example/', {
		method: 'GET',
		path: filePath('raw/default/a.mp4'),
		expiresAt: later,
	});
	const put = signedUrl(key, 'https://media.example', {
		method: 'PUT',
		path: '/uploads/1',
		expiresAt: later,
		maxBytes: 1000,
	});

	it('permit what they were made for', () => {
		expect(get).toMatch(
			/^https:\/\/media\.example\/files\/raw\/default\/a\.mp4\?expires=1767229200&signature=[\w-]{43}$/,
		);
		expect(verifySignedUrl(key, received(get, 'GET'), now)).toEqual({ expiresAt: later, maxBytes: null, download: null });
		expect(verifySignedUrl(key, received(get, 'HEAD'), now)).toEqual({ expiresAt: later, maxBytes: null, download: null });
		expect(verifySignedUrl(key, received(put, 'PUT'), now)).toEqual({ expiresAt: later, maxBytes: 1000, download: null });
	});

	it('ignore parameters that are not theirs', () => {
		expect(verifySignedUrl(key, received(`${get}&utm_source=1`, 'GET'), now).expiresAt).toEqual(later);
	});

	it.each<[string, string, string]>([
		['another method', 'PUT', get],
		['another method', 'GET', put],
		['another path', 'GET', get.replace('a.mp4', 'b.mp4')],
		['another expiry', 'GET', get.replace('expires=1767229200', 'expires=1767229999')],
		['a larger limit', 'PUT', put.replace('max_bytes=1000', 'max_bytes=9999')],
		['no limit', 'PUT', put.replace('max_bytes=1000&', '')],
		['a limit added', 'GET', `${get}&max_bytes=1`],
		['a name to be saved under', 'GET', `${get}&download=evil.exe`],
		['a cut signature', 'GET', get.slice(0, -1)],
		['an expiry that is no number', 'GET', get.replace('expires=1767229200', 'expires=1e99')],
	])('refuse %s', (_what, method, link) => {
		expect(() => verifySignedUrl(key, received(link, method), now)).toThrow(
			expect.objectContaining({ code: 'forbidden' }),
		);
	});

	it('refuse a link of another key', () => {
		expect(() => verifySignedUrl(deriveSigningKey('another'), received(get, 'GET'), now)).toThrow(
			expect.objectContaining({ code: 'forbidden' }),
		);
	});

	it('outlive the key they were signed with, as long as it is named as a previous one', () => {
		const rotated = deriveSigningKey('a new encryption key', ['an encryption key', 'an older one']);
		expect(() => verifySignedUrl(rotated, received(get, 'GET'), now)).not.toThrow();
		expect(signedUrl(rotated, 'http://x', { method: 'GET', path: '/files/a', expiresAt: now })).toBe(signedUrl(deriveSigningKey('a new encryption key'), 'http://x', { method: 'GET', path: '/files/a', expiresAt: now }));
		expect(() => verifySignedUrl(deriveSigningKey('a new encryption key', ['an older one']), received(get, 'GET'), now)).toThrow(expect.objectContaining({ code: 'forbidden' }));
	});

	it('refuse a link without signature, and one with two', () => {
		expect(() => verifySignedUrl(key, { method: 'GET', path: '/files/a', query: {} }, now)).toThrow(
			expect.objectContaining({ code: 'unauthorized' }),
		);
		const twice = { ...received(get, 'GET') };
		expect(() => verifySignedUrl(key, { ...twice, query: { ...twice.query, signature: ['a', 'b'] } }, now)).toThrow(
			expect.objectContaining({ code: 'unauthorized' }),
		);
	});

	it('end at their time', () => {
		expect(() => verifySignedUrl(key, received(get, 'GET'), later)).toThrow(
			expect.objectContaining({ code: 'expired' }),
		);
		expect(verifySignedUrl(key, received(get, 'GET'), new Date(later.getTime() - 1)).expiresAt).toEqual(later);
	});

	it('do not mix up their parts', () => {
		const one = signedUrl(key, 'https://h', { method: 'PUT', path: '/uploads/1', expiresAt: later, maxBytes: 12 });
		const forged = one.replace('max_bytes=12', 'max_bytes=2').replace('/uploads/1', '/uploads/11');
		expect(() => verifySignedUrl(key, received(forged, 'PUT'), now)).toThrow(
			expect.objectContaining({ code: 'forbidden' }),
		);
	});
});

describe('links of manifests', () => {
	const manifest = 'jobs/default/4f0c/1/hls/master.m3u8';
	const link = fileLink(key, 'https://media.example/', manifest, later);
	const path = (url: string) => new URL(url).pathname.slice('/packages/'.length);

	it('carry the permission in the path, so that relative addresses keep it', () => {
		expect(link).toMatch(/^https:\/\/media\.example\/packages\/1767229200\.[\w-]{43}\/jobs\/default\/4f0c\/1\/hls\/master\.m3u8$/);
		expect(verifyFolderLink(key, path(link), now)).toEqual({ key: manifest, expiresAt: later });
		expect(verifyFolderLink(key, path(new URL('seg-1.m4s', link).href), now).key).toBe('jobs/default/4f0c/1/hls/seg-1.m4s');
		expect(verifyFolderLink(key, path(new URL('720p/seg-1.m4s', link).href), now).key).toBe('jobs/default/4f0c/1/hls/720p/seg-1.m4s');
		expect(fileLink(key, 'https://media.example', 'jobs/default/4f0c/1/dash/manifest.mpd', later)).toContain('/packages/');
	});

	it('are for manifests only', () => {
		expect(fileLink(key, 'https://h', 'jobs/default/4f0c/1/a.mp4', later)).toBe(signedUrl(key, 'https://h', { method: 'GET', path: filePath('jobs/default/4f0c/1/a.mp4'), expiresAt: later }));
	});

	it.each([
		['the folder above', link.replace('/hls/', '/'), 'forbidden'],
		['a folder whose name begins alike', link.replace('/hls/', '/hls2/'), 'forbidden'],
		['another job', link.replace('4f0c', '4f0d'), 'forbidden'],
		['another expiry', link.replace('1767229200', '1767229999'), 'forbidden'],
		['the signature of a file', `https://h/packages/1767229200.${signedUrl(key, 'https://h', { method: 'GET', path: filePath('jobs/default/4f0c/1/hls'), expiresAt: later }).split('signature=')[1]}/${manifest}`, 'forbidden'],
		['no signature', link.replace(/1767229200\.[\w-]+\//, ''), 'unauthorized'],
		['a cut signature', link.replace('/jobs/', 'x/jobs/'), 'unauthorized'],
		['an escaped way out', link.replace('master.m3u8', '%2e%2e/%2e%2e/other/a.mp4'), 'invalid_request'],
		['an escaped slash', link.replace('hls/master.m3u8', 'hls%2f..%2fa.mp4'), 'invalid_request'],
	])('refuse %s', (_what, wrong, code) => {
		// As it is on the wire: `new URL` would resolve the dots before they are sent.
		expect(() => verifyFolderLink(key, wrong.slice(wrong.indexOf('/packages/') + '/packages/'.length), now)).toThrow(expect.objectContaining({ code }));
	});

	it('refuse every path with dots that lead out', () => {
		const [permission] = path(link).split('/');
		expect(() => verifyFolderLink(key, `${permission}/jobs/default/4f0c/1/hls/../../../../other/a.mp4`, now)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
	});

	it('end at their time', () => {
		expect(() => verifyFolderLink(key, path(link), later)).toThrow(expect.objectContaining({ code: 'expired' }));
	});

	it('permit nothing outside the folder, whatever is asked for', () => {
		const [permission] = path(link).split('/');
		const segment = fc.constantFrom('jobs', 'default', '4f0c', '1', 'hls', '..', '.', '', '%2e%2e', 'a.mp4', 'hls%2f..');
		fc.assert(
			fc.property(fc.array(segment, { minLength: 1, maxLength: 9 }), (segments) => {
				const wanted = segments.join('/');
				let read: string | null = null;
				try {
					read = verifyFolderLink(key, `${permission}/${wanted}`, now).key;
				} catch {
					return;
				}
				expect(read).toMatch(/^jobs\/default\/4f0c\/1\/hls\/[\w./-]+$/);
				expect(read).not.toContain('..');
			}),
		);
	});
});
