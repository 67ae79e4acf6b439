/** Text that is written into JSON as it stands: what JSON.stringify would never write. */
export class Raw {
	readonly text: string;
	constructor(text: string) {
		this.text = text;
	}
}

/** JSON of a value that may hold `Raw`. */
export function write(value: unknown): string {
	if (value instanceof Raw) return value.text;
	if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
	if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
	return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}:${write(one)}`).join(',')}}`;
}

const nested = (open: string, close: string, depth: number) => new Raw(open.repeat(depth) + close.repeat(depth));

export const HOSTILE_TEXTS = [
	'', ' ', '\0', 'a\0b', '\ud800', 'x\udfff', 'שלום \u202e evil', '👩‍👩‍👧‍👦🏳️‍🌈', `z${'\u0301'.repeat(300)}`, '\u2028\u2029\ufeff', '\r\nX-Injected: 1', 'a'.repeat(70_000),
	'../../../../etc/passwd', '..%2f..%2fetc%2fpasswd', '%2e%2e%2f', '%252e%252e%252f', '/etc/passwd', 'C:\\windows\\win.ini', '\\\\host\\share', 'file:///etc/passwd', 'javascript:alert(1)', 'data:text/html,x',
	'http://127.0.0.1:1/', 'http://[::1]:1/', 'http://169.254.169.254/latest/meta-data', 'https://user:pass@example.com/', 'https://xn--/', 'http://0x7f.1/', 'https://a'.padEnd(9000, 'b'),
	"'; drop table assets; --", '$1', '%s%n', '{{7*7}}', '${7*7}', '<script>alert(1)</script>', '`id`', '; rm -rf /', '-i', '--help', "[0:v]null,movie='/etc/passwd'", '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'null', 'NaN', 'Infinity', 'true', '-1', '0', '007', '1e308', '0x10', '9'.repeat(400),
	'2026-13-45T99:99:99Z', '0000-01-01T00:00:00Z', '0000-01-01', '9999-12-31T23:59:59-23:59', '+275760-09-13T00:00:00.001Z', '-271821-04-19T23:59:59Z', '0000-00-00', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-4fff-bfff-ffffffffffff', 'whsec_', '*', '*.*', 'a.b.c.d', 'und-x-y', 'image/*', '/', '.', '..',
] as const;

export const HOSTILE_NUMBERS: readonly unknown[] = [0, -1, 1, 0.1, -0.5, 2 ** 31, 2 ** 53, -(2 ** 53) - 2, 1e21, 1e308, -1e308, 5e-324, new Raw('-0'), new Raw('1e400'), new Raw('-1e999'), new Raw('12345678901234567890123'), new Raw('1.0000000000000000000000000001')];

export const HOSTILE_SHAPES: readonly unknown[] = [
	null, true, false, [], {}, [[]], [null], [{}], { a: { b: { c: {} } } }, Array.from({ length: 2000 }, (_, at) => at), Array.from({ length: 60 }, () => ({})),
	new Raw('{"__proto__":{"polluted":true}}'), { constructor: { prototype: { polluted: true } } }, { toString: 1, valueOf: 2, hasOwnProperty: 3 }, { '\0': 1 }, { '\ud800': 1 }, { 'a.b': 1, '$ref': '#', '': '' },
	new Raw('{"a":1,"a":2,"a":{"b":[]}}'), nested('[', ']', 10_000), new Raw(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`), nested('[', ']', 100),
	Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`k${at}`, at])),
];

/** In a path: as they are sent. */
export const HOSTILE_SEGMENTS = [
	'..%2f..%2f..%2fetc%2fpasswd', '%2e%2e', '%2e%2e%2f%2e%2e', '%252e%252e%252fetc%252fpasswd', '..%5c..%5cwindows', '%2fetc%2fpasswd', '%00', 'a%00b', '%ff%fe', '%', '%zz', '%E0%A4%A', '%c0%ae%c0%ae', '%F0%9F%98%80', '%0d%0aX-Injected:%201', '%e2%80%ae', '%ed%a0%80',
	'__proto__', 'constructor', 'toString', 'not-a-uuid', '0', '-1', '99999999999999999999999', '1e308', '%20', "'%20or%20'1'='1", '%3Cscript%3E', ';a=b', '~', '*', 'a'.repeat(3000), '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-4fff-bfff-ffffffffffff',
] as const;
