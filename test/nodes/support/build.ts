import { readParameter } from '../../../nodes/shared/collect';
import type { NodeOperation } from '../../../nodes/shared/operation';
import type { BatchItem } from '../../../nodes/shared/wire';
import { fakeContext, type FakeRun } from './context';

/** The requests that an operation builds for one item with these parameters. */
export async function build(
	operation: NodeOperation,
	parameters: Record<string, unknown>,
	run: Omit<FakeRun, 'parameters'> = {},
): Promise<BatchItem[]> {
	const { context } = fakeContext({ ...run, parameters });
	return await operation.build({
		context,
		itemIndex: 0,
		read: readParameter(context, 0),
	});
}
