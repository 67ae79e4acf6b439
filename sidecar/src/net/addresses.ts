import { isIP, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Names of ipaddr.js for ranges, in words for a person. Every range that is not here is named as it is. */
const WORDS: Record<string, string> = {
	unspecified: 'an unspecified address',
	broadcast: 'a broadcast address',
	multicast: 'a multicast address',
	linkLocal: 'a link-local address',
	loopback: 'this machine itself (loopback)',
	carrierGradeNat: 'a carrier-grade NAT address',
	private: 'a private address',
	uniqueLocal: 'a private address',
	reserved: 'a reserved address',
};

/** 169.254.169.254 and fd00:ec2::254: the metadata services of AWS, Google Cloud and Azure, which hand out credentials. */
const METADATA = ['169.254.169.254', 'fd00:ec2::254'];
/** RFC 6052, section 2.1: the well-known prefix of NAT64; the last 32 bits are the IPv4 address that is reached. */
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');
/** RFC 4291, section 2.4: only 2000::/3 is handed out as global unicast today. */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');
/** RFC 9637: documentation. */
const DOCUMENTATION = ipaddr.IPv6.parse('3fff::');

/** The address with every disguise that means an IPv4 address taken off: IPv4-mapped and NAT64. */
export function unwrapAddress(text: string): Address {
	const bare = text.replace(/%.*$/, '');
	// ipaddr.js reads `::1.2.3.4` as `::ffff:1.2.3.4`, which is another address. The URL parser knows the difference.
	const address = ipaddr.process(isIPv6(bare) ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : bare);
	if (address instanceof ipaddr.IPv6 && address.match(NAT64, 96)) {
		return new ipaddr.IPv4(address.toByteArray().slice(12));
	}
	return address;
}

/**
 * Why an address must not be reached, in words ("a private address"), or null when it is a public one. Only what is known
 * to be public is public: 6to4, Teredo and whatever is not handed out count as refused.
 */
export function whyNotPublic(text: string): string | null {
	let address: Address;
	try {
		address = unwrapAddress(text);
	} catch {
		return 'not an address';
	}
	if (METADATA.includes(address.toString())) return 'a cloud metadata service';
	const range: string = address.range();
	if (range !== 'unicast') return WORDS[range] ?? `a special-purpose address (${range})`;
	if (address instanceof ipaddr.IPv6 && (!address.match(GLOBAL_UNICAST, 3) || address.match(DOCUMENTATION, 20))) {
		return 'a reserved address';
	}
	return null;
}

/** Whether the internet could know a host of this name or address. Nothing is looked up. */
export function isPublicHost(hostname: string): boolean {
	const bare = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '').toLowerCase();
	if (isIP(bare)) return whyNotPublic(bare) === null;
	return bare.includes('.') && !/(^|\.)(localhost|local|internal|lan|home\.arpa)$/.test(bare);
}

/** One entry of ALLOWED_PRIVATE_HOSTS, parsed. */
interface AllowedHost {
	name: string | null;
	range: [Address, number] | null;
	port: number | null;
}

/** Hosts that may be reached although they are private. */
export interface AllowList {
	/** `host` as in the URL; `address` as resolved, null when it is not known yet. */
	allows(host: string, address: string | null, port: number): boolean;
}

/** Reads entries of the forms host, host:port, IP, IP:port, [IPv6]:port, CIDR. Throws an Error that names the bad entry. */
export function parseAllowList(entries: readonly string[]): AllowList {
	const allowed = entries.map(parseEntry);
	return {
		allows(host, address, port) {
			const name = normaliseHost(host);
			const resolved = address === null ? null : unwrapAddress(address);
			return allowed.some((entry) => {
				if (entry.port !== null && entry.port !== port) return false;
				if (entry.name !== null) return entry.name === name;
				return resolved !== null && entry.range !== null && inRange(resolved, entry.range);
			});
		},
	};
}

/** Lower case, without the brackets of IPv6 and without the dot that ends a full name: `Host.` and `host` are one host. */
export const normaliseHost = (host: string): string =>
	host
		.toLowerCase()
		.replace(/^\[|\]$/g, '')
		.replace(/\.$/, '');

function inRange(address: Address, [network, bits]: [Address, number]): boolean {
	return address.kind() === network.kind() && address.match(network, bits);
}

function parseEntry(entry: string): AllowedHost {
	const text = entry.trim();
	const bad = new Error(
		`ALLOWED_PRIVATE_HOSTS: "${entry}" is not understood. Expected a host (n8n), host:port (n8n:5678), an address (10.0.0.5), ` +
			'address:port, [IPv6]:port, or a range (10.0.0.0/8).',
	);
	if (text.includes('/')) {
		if (!ipaddr.isValidCIDR(text)) throw bad;
		return { name: null, range: ipaddr.parseCIDR(text), port: null };
	}
	// A bare IPv6 address has colons of its own; with a port it must stand in brackets.
	const withPort = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text);
	const host = normaliseHost(withPort?.[1] ?? text);
	const port = withPort ? Number(withPort[2]) : null;
	if (port !== null && (port < 1 || port > 65_535)) throw bad;
	if (ipaddr.IPv6.isValid(host) || ipaddr.IPv4.isValidFourPartDecimal(host)) {
		const address = unwrapAddress(host);
		return { name: null, range: [address, address.kind() === 'ipv4' ? 32 : 128], port };
	}
	if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(host)) throw bad;
	return { name: host, range: null, port };
}
