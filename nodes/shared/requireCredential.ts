import { NodeOperationError, type IExecuteFunctions } from 'n8n-workflow';

/** Something that one signs in to: a social platform, a cloud disk. */
export interface Service {
	name: string;
	value: string;
	/** Types of credential that do, the best first. */
	credentials: readonly string[];
}

/** The first of the platform's credentials that is chosen in the node; undefined: none. */
export const chosenCredential = (context: IExecuteFunctions, { credentials }: Pick<Service, 'credentials'>): string | undefined =>
	credentials.find((type) => context.getNode().credentials?.[type]);

/** @throws NodeOperationError that names the platform, where n8n would only say "Node does not require credentials" */
export async function requireCredential<T extends object>(
	context: IExecuteFunctions,
	itemIndex: number,
	platform: Service,
): Promise<T> {
	const chosen = chosenCredential(context, platform);
	if (!chosen) {
		throw new NodeOperationError(context.getNode(), `${platform.name} is chosen, but no ${platform.name} account`, {
			itemIndex,
			description: `Open this node and choose a credential for ${platform.name}, or choose something else.`,
		});
	}
	return await context.getCredentials<T>(chosen, itemIndex);
}
