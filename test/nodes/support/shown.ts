import type { INodeProperties } from 'n8n-workflow';

/** The fields that the editor shows with these parameters, as far as Resource and Operation decide it. */
export function shownFields(properties: INodeProperties[], parameters: Record<string, unknown>): INodeProperties[] {
	const resource = parameters.resource ?? properties.find(({ name }) => name === 'resource')?.default;
	const given: Record<string, unknown> = { ...parameters, resource };
	return properties.filter(({ displayOptions }) => ['resource', 'operation'].every((key) => displayOptions?.show?.[key]?.includes(given[key] as string) ?? true));
}

/** Values of a dropdown. */
export const choicesOf = ({ options = [] }: INodeProperties): unknown[] => options.map((option) => ('value' in option ? option.value : undefined));
