import { NodeOperationError, type IExecuteFunctions } from 'n8n-workflow';
import type { Platform } from './platform';

/** @throws NodeOperationError that names the platform, where n8n would only say "Node does not require credentials" */
export async function requireCredential<T extends object>(
	context: IExecuteFunctions,
	itemIndex: number,
	platform: Pick<Platform, 'name' | 'credential'>,
): Promise<T> {
	if (!context.getNode().credentials?.[platform.credential]) {
		throw new NodeOperationError(context.getNode(), `${platform.name} is chosen, but no ${platform.name} account`, {
			itemIndex,
			description: `Open this node and choose a credential for ${platform.name}, or take ${platform.name} out of "Platforms".`,
		});
	}
	return await context.getCredentials<T>(platform.credential, itemIndex);
}
