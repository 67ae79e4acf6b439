import { deriveSigningKey, filePath, signedUrl, verifySignedUrl } from '../../../sidecar/src/storage/signed-url.ts';

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
		expect(verifySignedUrl(key, received(get, 'GET'), now)).toEqual({ expiresAt: later, maxBytes: null });
		expect(verifySignedUrl(key, received(get, 'HEAD'), now)).toEqual({ expiresAt: later, maxBytes: null });
		expect(verifySignedUrl(key, received(put, 'PUT'), now)).toEqual({ expiresAt: later, maxBytes: 1000 });
	});

	it('ignore parameters that are not theirs', () => {
		expect(verifySignedUrl(key, received(`${get}&download=1`, 'GET'), now).expiresAt).toEqual(later);
	});

	it.each<[string, string, string]>([
		['another method', 'PUT', get],
		['another method', 'GET', put],
		['another path', 'GET', get.replace('a.mp4', 'b.mp4')],
		['another expiry', 'GET', get.replace('expires=1767229200', 'expires=1767229999')],
		['a larger limit', 'PUT', put.replace('max_bytes=1000', 'max_bytes=9999')],
		['no limit', 'PUT', put.replace('max_bytes=1000&', '')],
		['a limit added', 'GET', `${get}&max_bytes=1`],
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
