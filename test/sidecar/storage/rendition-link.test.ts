import { renditionLink, verifyRenditionLink } from '../../../sidecar/src/storage/rendition-link.ts';
import { deriveSigningKey } from '../../../sidecar/src/storage/signed-url.ts';

const key = deriveSigningKey('an encryption key');
const later = new Date('2026-01-01T01:00:00Z');
const now = new Date('2026-01-01T00:00:00Z');
const wanted = { assetId: '4f0c', operation: 'compress', params: { height: 720, text: 'ä / ?' }, file: null };
const path = (link: string) => link.slice(link.indexOf('/renditions/') + '/renditions/'.length);

describe('links of renditions', () => {
	it('carry what is wanted', () => {
		const link = renditionLink(key, 'https://media.example/', wanted, later);
		expect(link).toMatch(/^https:\/\/media\.example\/renditions\/1767229200\.[\w-]{43}\/4f0c\/compress\/[\w-]+$/);
		expect(verifyRenditionLink(key, path(link), now)).toEqual(wanted);
		expect(verifyRenditionLink(key, path(renditionLink(key, '', { ...wanted, file: 'a.jpg' }, later)), now)).toEqual({ ...wanted, file: 'a.jpg' });
	});

	it('end at their time, and are no good with another key', () => {
		const link = path(renditionLink(key, '', wanted, later));
		expect(() => verifyRenditionLink(key, link, later)).toThrow(expect.objectContaining({ code: 'expired' }));
		expect(() => verifyRenditionLink(deriveSigningKey('other'), link, now)).toThrow(expect.objectContaining({ code: 'forbidden' }));
	});

	it('are refused where the parameters do not fit into an address', () => {
		expect(() => renditionLink(key, '', { ...wanted, params: { text: 'x'.repeat(4000) } }, later)).toThrow(expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining('too long') }));
	});
});
