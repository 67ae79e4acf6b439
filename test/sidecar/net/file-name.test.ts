import fc from 'fast-check';
import { contentDisposition, extensionOf, fileNameOf, safeFileName } from '../../../sidecar/src/net/file-name.ts';

describe('safe file names', () => {
	it.each([
		['video.mp4', 'video.mp4'],
		['../../etc/passwd', 'passwd'],
		['C:\\Users\\me\\clip.mov', 'clip.mov'],
		['.htaccess', 'htaccess'],
		['...', 'file'],
		['', 'file'],
		['a\0b.mp4', 'ab.mp4'],
		['a\r\nSet-Cookie: x.mp4', 'aSet-Cookie_ x.mp4'],
		['exe\u202Egpj.mp4', 'exegpj.mp4'],
		['con', '_con'],
		['NUL.txt', '_NUL.txt'],
		['Ärger & Füße.mp4', 'Ärger _ Füße.mp4'],
		['видео.mp4', 'видео.mp4'],
		['$(rm -rf ~).mp4', '_(rm -rf _).mp4'],
	])('%j becomes %j', (raw, expected) => {
		expect(safeFileName(raw)).toBe(expected);
	});

	it('keep the extension when they are cut', () => {
		const name = safeFileName(`${'ü'.repeat(300)}.mp4`);
		expect(Buffer.byteLength(name)).toBeLessThanOrEqual(120);
		expect(name).toMatch(/^ü+\.mp4$/);
	});

	it('are never a path, never hidden, never empty, whatever comes in', () => {
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string(),
					fc.string({ unit: 'binary' }),
					fc.string({ unit: fc.constantFrom('.', '/', '\\', '\0', ' ', 'a') }),
				),
				(raw) => {
					const name = safeFileName(raw);
					expect(name).not.toMatch(/[/\\]|^\.|\.$/);
					// eslint-disable-next-line no-control-regex
					expect(name).not.toMatch(/[\u0000-\u001f"]/);
					expect(name.length).toBeGreaterThan(0);
					expect(Buffer.byteLength(name)).toBeLessThanOrEqual(120);
					expect(safeFileName(name)).toBe(name);
				},
			),
			{ numRuns: 1000 },
		);
	});

	it.each<[string | undefined, string, string]>([
		['attachment; filename="My clip.mp4"', 'https://h/x', 'My clip.mp4'],
		['attachment; filename=clip.mp4; size=3', 'https://h/x', 'clip.mp4'],
		[`attachment; filename="fallback.mp4"; filename*=UTF-8''caf%C3%A9.mp4`, 'https://h/x', 'café.mp4'],
		['attachment; filename="../../evil.sh"', 'https://h/x', 'evil.sh'],
		['inline', 'https://h/a/My%20clip.mp4?token=1', 'My clip.mp4'],
		[undefined, 'https://h/a/..%2F..%2Fetc%2Fpasswd', 'passwd'],
		[undefined, 'https://h/', 'file'],
		[undefined, 'https://h/%zz.mp4', '_zz.mp4'],
	])('come from %j and %s as %s', (header, url, expected) => {
		expect(fileNameOf(header, new URL(url))).toBe(expected);
	});

	it.each([
		['My clip.mp4', true, 'attachment; filename="My clip.mp4"'],
		['My clip.mp4', false, 'inline; filename="My clip.mp4"'],
		['café (1).mp4', true, `attachment; filename="caf_ (1).mp4"; filename*=UTF-8''caf%C3%A9%20%281%29.mp4`],
		['a"; filename="b.mp4', true, `attachment; filename="a_; filename=_b.mp4"; filename*=UTF-8''a%22%3B%20filename%3D%22b.mp4`],
		['50%41.mp4', true, `attachment; filename="50_41.mp4"; filename*=UTF-8''50%2541.mp4`],
		['a\r\nSet-Cookie: b=c', true, `attachment; filename="a__Set-Cookie: b=c"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b%3Dc`],
		['half \ud83d', false, `inline; filename="half _"; filename*=UTF-8''half%20_`],
	])('are said to who downloads %j', (name, attachment, expected) => {
		expect(contentDisposition(name, attachment)).toBe(expected);
	});

	it('come back as they were said', () => {
		fc.assert(
			fc.property(fc.string({ unit: 'binary' }), (raw) => {
				const name = safeFileName(raw);
				expect(fileNameOf(contentDisposition(name, true), null)).toBe(name);
			}),
			{ numRuns: 1000 },
		);
	});

	it('know their extension', () => {
		expect([extensionOf('a.MP4'), extensionOf('a.tar.gz'), extensionOf('a'), extensionOf('a.m p4')]).toEqual([
			'mp4',
			'gz',
			'',
			'',
		]);
	});
});
