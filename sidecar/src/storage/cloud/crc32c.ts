/** CRC-32C (Castagnoli, RFC 3720 B.4), reflected polynomial. `zlib.crc32` is the other CRC-32. */
const POLYNOMIAL = 0x82f63b78;
/** Four tables, four bytes a step: 1 GB takes about a second. */
const TABLES = makeTables();

function makeTables(): [Uint32Array, Uint32Array, Uint32Array, Uint32Array] {
	const first = new Uint32Array(256).map((_, byte) => {
		let value = byte;
		for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
		return value >>> 0;
	});
	const further = (before: Uint32Array) => before.map((value) => (value >>> 8) ^ first[value & 0xff]!);
	const second = further(first);
	const third = further(second);
	return [first, second, third, further(third)];
}

/** A running CRC-32C, as Google Cloud Storage writes it: big-endian, base64. */
export class Crc32c {
	#value = 0xffffffff;

	update(bytes: Uint8Array): this {
		const [t0, t1, t2, t3] = TABLES;
		let value = this.#value;
		let at = 0;
		for (const end = bytes.length - 3; at < end; at += 4) {
			value ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
			value = t3[value & 0xff]! ^ t2[(value >>> 8) & 0xff]! ^ t1[(value >>> 16) & 0xff]! ^ t0[value >>> 24]!;
		}
		for (; at < bytes.length; at++) value = (value >>> 8) ^ t0[(value ^ bytes[at]!) & 0xff]!;
		this.#value = value;
		return this;
	}

	base64(): string {
		const bytes = Buffer.alloc(4);
		bytes.writeUInt32BE((this.#value ^ 0xffffffff) >>> 0);
		return bytes.toString('base64');
	}
}
