import { z } from 'zod';
import { createMediaOperations, createRegistry } from '../../../sidecar/src/operations/registry.ts';

describe('the operations', () => {
	const operations = createMediaOperations();

	it.each(operations.map((operation) => [operation.name, operation] as const))(
		'%s has an example that its schema accepts, and describes every parameter',
		(_name, operation) => {
			expect(operation.params.safeParse(operation.example).success).toBe(true);
			const schema = z.toJSONSchema(operation.params, { io: 'input' });
			const variants = (schema.oneOf ?? schema.anyOf ?? [schema]) as Array<{
				properties?: Record<string, { description?: string }>;
				additionalProperties?: unknown;
			}>;
			for (const variant of variants) {
				expect(variant.additionalProperties).toBe(false);
				for (const [field, property] of Object.entries(variant.properties ?? {}))
					expect([field, property.description]).toEqual([field, expect.stringMatching(/\.$/)]);
			}
		},
	);

	it('can be found by name, and no two share one', () => {
		expect([...createRegistry(operations).keys()]).toEqual(operations.map(({ name }) => name));
		expect(() => createRegistry([...operations, ...operations])).toThrow(/Two operations are called probe/);
	});
});
