const TABLE = Array.from({ length: 256 }, (_, byte) => Array.from({ length: 8 }).reduce<number>((value) => (value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1) >>> 0, byte));

/** CRC-32C bit by bit, as its definition reads: independent of what it checks. */
export function crc32cOf(bytes: Buffer): string {
	let value = 0xffffffff;
	for (let at = 0; at < bytes.length; at++) value = (TABLE[(value ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (value >>> 8);
	const out = Buffer.alloc(4);
	out.writeUInt32BE(~value >>> 0);
	return out.toString('base64');
}
