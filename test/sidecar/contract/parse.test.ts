import { z } from 'zod';
import { parse } from '../../../sidecar/src/contract/parse.ts';

const schema = z.strictObject({ crf: z.int().max(51).optional(), inner: z.strictObject({ token: z.string().optional() }).optional() });
const problems = (value: unknown, where?: string) => {
	try {
		return parse(schema, value, where);
	} catch (error) {
		return (error as { details: { problems: unknown } }).details.problems;
	}
};

describe('parsing what a caller sent', () => {
	it('names every wrong field by its path, with what was given', () => {
		expect(problems({ crf: 99, inner: { token: 5 } }, 'params')).toEqual([
			{ field: 'params.crf', problem: expect.stringContaining('51'), given: '99' },
			{ field: 'params.inner.token', problem: expect.stringContaining('string'), given: '5' },
		]);
	});

	it('names an unknown field itself, not the object it stands in', () => {
		expect(problems({ colour: 'red', inner: { size: 1 } }, 'params')).toEqual([
			{ field: 'params.inner.size', problem: 'there is no such field', given: '1' },
			{ field: 'params.colour', problem: 'there is no such field', given: '"red"' },
		]);
	});

	it('never shows the content of an object or of a long text', () => {
		expect(problems({ crf: { secret: 1 } })).toEqual([expect.objectContaining({ given: 'an object' })]);
		expect((problems({ crf: 'x'.repeat(500) }) as Array<{ given: string }>)[0]!.given).toHaveLength(80);
	});
});
