import { MAX_DEPTH, MAX_VALUES, readJson } from '../../../sidecar/src/contract/json.ts';

const read = (text: string | Uint8Array): unknown => readJson(typeof text === 'string' ? Buffer.from(text) : text);
const refusal = (text: string | Uint8Array): string => {
	try {
		read(text);
	} catch (error) {
		expect(error).toMatchObject({ code: 'invalid_request' });
		return (error as Error).message;
	}
	throw new Error('it was read');
};

describe('JSON from outside', () => {
	it('is read as it is', () => {
		const value = { text: 'héllo 👩‍👩‍👧 שלום', list: [1, -2.5, null, true, { deep: [[]] }], 'a.b': '}{][",\\"' };
		expect(read(JSON.stringify(value))).toEqual(value);
		expect(read('\ufeff{"a":1}')).toEqual({ a: 1 });
		expect(read('{"n":9007199254740991,"f":1.5e10,"z":-0}')).toEqual({ n: Number.MAX_SAFE_INTEGER, f: 1.5e10, z: -0 });
	});

	it.each([
		['NUL', '{"items":[{"params":{"text":"a\\u0000b"}}]}', 'items.0.params.text: must not hold the character NUL'],
		['half of a surrogate pair', '{"a":"\\ud800"}', 'a: must not hold half of a surrogate pair'],
		['NUL in a name', '{"m":{"a\\u0000":1}}', 'm: has a field whose name'],
		['__proto__', '{"m":{"__proto__":{}}}', 'm: must not have a field __proto__'],
		['a number that loses digits', '{"id":9007199254740993}', 'id: is larger than 2^53'],
		['a number without end', '{"a":[1,1e400]}', 'a.1: is larger than a number can be'],
		['NUL as the whole', '"\\u0000"', 'body: must not hold'],
	])('with %s is refused, and the field is named', (_, text, message) => expect(refusal(text)).toContain(message));

	it('says where it is broken, and repeats nothing of it', () => {
		const message = refusal('{"token":"s3cret", oops}');
		expect(message).toContain('at character 19');
		expect(message).not.toContain('s3cret');
	});

	it('must be UTF-8', () => {
		expect(refusal(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).toContain('not UTF-8');
		expect(refusal(Buffer.from('{}', 'utf16le'))).toMatch(/not valid JSON|not UTF-8/);
	});

	it('is as deep as it may be, and no deeper', () => {
		const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
		expect(() => read(nested(MAX_DEPTH))).not.toThrow();
		expect(refusal(nested(MAX_DEPTH + 1))).toContain('nested too deeply');
		expect(refusal('['.repeat(4_000_000))).toContain('nested too deeply');
		// Brackets in texts are none.
		expect(read(`"${'['.repeat(1000)}\\"${'['.repeat(1000)}"`)).toHaveLength(2001);
	});

	it('holds as many values as it may, and no more', () => {
		expect(read(`[${'1,'.repeat(MAX_VALUES - 10)}1]`)).toHaveLength(MAX_VALUES - 9);
		expect(refusal(`[${'1,'.repeat(MAX_VALUES)}1]`)).toContain('too many values');
	});
});
