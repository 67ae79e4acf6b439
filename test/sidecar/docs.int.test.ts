import { allOperations } from '../../scripts/lib/docs/all-operations.ts';
import { startTestSidecar } from '../support/sidecar.ts';

describe('docs/operations', () => {
	it('describes the operations of a running sidecar, all of them and no others', async () => {
		const sidecar = await startTestSidecar();
		try {
			const response = await fetch(`${sidecar.url}/api/media/operations`, { headers: { authorization: `Bearer ${sidecar.apiKey}` } });
			const { operations } = (await response.json()) as { operations: Array<{ name: string }> };
			const running = operations.map(({ name }) => name);
			expect(allOperations().map(({ name }) => name)).toEqual(running);
		} finally {
			await sidecar.close();
		}
	});
});
