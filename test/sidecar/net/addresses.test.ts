import fc from 'fast-check';
import { parseAllowList, whyNotPublic } from '../../../sidecar/src/net/addresses.ts';

const octet = fc.integer({ min: 0, max: 255 });
/** Networks that must never be reached, as the RFCs give them: RFC 6890 and its updates. */
const REFUSED_V4: Array<[string, number]> = [
	['0.0.0.0', 8],
	['10.0.0.0', 8],
	['100.64.0.0', 10],
	['127.0.0.0', 8],
	['169.254.0.0', 16],
	['172.16.0.0', 12],
	['192.0.0.0', 24],
	['192.0.2.0', 24],
	['192.88.99.0', 24],
	['192.168.0.0', 16],
	['198.18.0.0', 15],
	['198.51.100.0', 24],
	['203.0.113.0', 24],
	['224.0.0.0', 4],
	['240.0.0.0', 4],
];
const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const isRefusedV4 = (ip: string) =>
	REFUSED_V4.some(
		([network, bits]) => Math.floor(number(ip) / 2 ** (32 - bits)) === Math.floor(number(network) / 2 ** (32 - bits)),
	);
/** ipaddr.js refuses these as special-purpose, too; nothing anyone publishes lies there (RFC 7534, 7535, 7450). */
const isInfrastructure = (ip: string) => /^(192\.175\.48|192\.31\.196|192\.52\.193)\./.test(ip);

describe('classification of addresses', () => {
	it.each([
		['127.0.0.1', 'loopback'],
		['10.1.2.3', 'private'],
		['172.31.255.255', 'private'],
		['192.168.0.1', 'private'],
		['169.254.169.254', 'metadata'],
		['169.254.1.1', 'link-local'],
		['100.64.0.1', 'carrier-grade NAT'],
		['0.0.0.0', 'unspecified'],
		['255.255.255.255', 'broadcast'],
		['224.0.0.1', 'multicast'],
		['240.0.0.1', 'reserved'],
		['198.18.0.1', 'reserved'],
		['::', 'unspecified'],
		['::1', 'loopback'],
		['fe80::1', 'link-local'],
		['fe80::1%eth0', 'link-local'],
		['fc00::1', 'private'],
		['fd00:ec2::254', 'metadata'],
		['ff02::1', 'multicast'],
		['fec0::1', 'special-purpose'],
		['::ffff:127.0.0.1', 'loopback'],
		['::ffff:a9fe:a9fe', 'metadata'],
		['::127.0.0.1', 'reserved'],
		['64:ff9b::127.0.0.1', 'loopback'],
		['64:ff9b::a9fe:a9fe', 'metadata'],
		['64:ff9b:1::1', 'special-purpose'],
		['2002:7f00:1::', 'special-purpose'],
		['2001::1', 'special-purpose'],
		['2001:db8::1', 'reserved'],
		['3fff::1', 'reserved'],
		['4000::1', 'reserved'],
		['not an address', 'not an address'],
		['', 'not an address'],
	])('refuses %s (%s)', (address, why) => {
		expect(whyNotPublic(address)).toContain(why);
	});

	it.each([
		'8.8.8.8',
		'1.1.1.1',
		'172.32.0.1',
		'100.128.0.1',
		'2606:4700:4700::1111',
		'::ffff:8.8.8.8',
		'64:ff9b::808:808',
		'2a00:1450::1',
	])('lets %s pass', (address) => {
		expect(whyNotPublic(address)).toBeNull();
	});

	it('agrees with the registry for every IPv4 address, in each of its disguises', () => {
		fc.assert(
			fc.property(fc.tuple(octet, octet, octet, octet), (octets) => {
				const ip = octets.join('.');
				const refused = isRefusedV4(ip) || isInfrastructure(ip);
				for (const form of [ip, `::ffff:${ip}`, `64:ff9b::${ip}`]) expect(whyNotPublic(form) !== null).toBe(refused);
				// 6to4 and IPv4-compatible addresses are refused whatever they hold.
				expect(whyNotPublic(`::${ip}`)).not.toBeNull();
				const hex = octets.map((part) => part.toString(16).padStart(2, '0')).join('');
				expect(whyNotPublic(`2002:${hex.slice(0, 4)}:${hex.slice(4)}::1`)).not.toBeNull();
			}),
			{ numRuns: 2000 },
		);
	});

	it('refuses every address of every refused network', () => {
		fc.assert(
			fc.property(
				fc.constantFrom(...REFUSED_V4),
				fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
				([network, bits], at) => {
					const value = number(network) + Math.floor(at * 2 ** (32 - bits));
					const ip = [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
					expect(whyNotPublic(ip)).not.toBeNull();
				},
			),
		);
	});

	it('refuses every IPv6 address outside of 2000::/3 that holds no public IPv4 address', () => {
		fc.assert(
			fc.property(fc.ipV6(), (ip) => {
				const first = parseInt(new URL(`http://[${ip}]`).hostname.slice(1).split(':')[0] || '0', 16);
				if (first < 0x2000 || first > 0x3fff) {
					const mapped = /^\[(::ffff:|64:ff9b::)/.test(new URL(`http://[${ip}]`).hostname);
					if (!mapped) expect(whyNotPublic(ip)).not.toBeNull();
				}
			}),
		);
	});
});

describe('the allow-list', () => {
	it.each<[string, string, string | null, number, boolean]>([
		['n8n', 'n8n', '10.0.0.1', 5678, true],
		['n8n', 'N8N.', '10.0.0.1', 1, true],
		['n8n', 'n8n.example', '10.0.0.1', 5678, false],
		['n8n:5678', 'n8n', '10.0.0.1', 5678, true],
		['n8n:5678', 'n8n', '10.0.0.1', 80, false],
		['10.0.0.5', 'somewhere', '10.0.0.5', 80, true],
		['10.0.0.5', 'somewhere', '10.0.0.6', 80, false],
		['10.0.0.5:80', 'somewhere', '10.0.0.5', 81, false],
		['10.0.0.0/8', 'somewhere', '10.200.0.1', 80, true],
		['10.0.0.0/8', 'somewhere', '11.0.0.1', 80, false],
		['10.0.0.0/8', 'somewhere', '::ffff:10.0.0.1', 80, true],
		['10.0.0.0/8', 'somewhere', null, 80, false],
		['::1', 'x', '::1', 80, true],
		['[::1]:8080', 'x', '::1', 8080, true],
		['[::1]:8080', 'x', '::1', 80, false],
		['fd00::/8', 'x', 'fd12::1', 80, true],
		['fd00::/8', 'x', '10.0.0.1', 80, false],
	])('%s: host %s at %s port %i is %s', (entry, host, address, port, expected) => {
		expect(parseAllowList([entry]).allows(host, address, port)).toBe(expected);
	});

	it.each(['http://n8n', 'n8n:', 'n8n:99999', '10.0.0.0/33', 'a b', '*.example.com', ''])(
		'does not accept the entry %j',
		(entry) => {
			expect(() => parseAllowList([entry])).toThrow(/ALLOWED_PRIVATE_HOSTS/);
		},
	);
});
