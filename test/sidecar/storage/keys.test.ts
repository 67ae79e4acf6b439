import fc from 'fast-check';
import { assertKey, jobKey, publicKey, rawKey, workspaceFolder } from '../../../sidecar/src/storage/keys.ts';

describe('storage keys', () => {
	it('follow the layout raw, public, jobs', () => {
		expect(rawKey('default', '4f0c', 'MP4')).toBe('raw/default/4f0c.mp4');
		expect(rawKey('default', '4f0c', '')).toBe('raw/default/4f0c.bin');
		expect(jobKey('default', 'j1', 'thumbnail.jpg')).toBe('jobs/default/j1/thumbnail.jpg');
		expect(publicKey('default', '4f0c_thumb.webp')).toBe('public/default/4f0c_thumb.webp');
	});

	it('keep plain workspace ids and mark the others, so that two ids never share a folder', () => {
		expect(workspaceFolder('acme-1')).toBe('acme-1');
		expect(workspaceFolder('Acme GmbH & Co')).toMatch(/^acme-gmbh-co--[0-9a-f]{16}$/);
		expect(workspaceFolder('../../etc')).toMatch(/^etc--[0-9a-f]{16}$/);
		expect(workspaceFolder('ACME')).not.toBe(workspaceFolder('acme'));
		fc.assert(
			fc.property(fc.string(), fc.string(), (a, b) => {
				expect(assertKey(workspaceFolder(a))).not.toContain('/');
				expect(workspaceFolder(a) === workspaceFolder(b)).toBe(a === b);
			}),
		);
	});

	it('refuse a name that would leave the folder', () => {
		expect(() => jobKey('default', 'j1', '../../x')).toThrow(expect.objectContaining({ code: 'invalid_request' }));
		expect(() => rawKey('default', '..', '/x')).toThrow(expect.objectContaining({ code: 'invalid_request' }));
	});
});
