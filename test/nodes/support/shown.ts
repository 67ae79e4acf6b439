import type { INodeProperties } from 'n8n-workflow';

/** What decides which other fields there are, in this order. */
const DECIDING = ['resource', 'operation', 'source', 'dropboxBy'];

/** The fields that the editor shows with these parameters, as far as Resource, Operation and Source decide it. */
export function shownFields(properties: INodeProperties[], parameters: Record<string, unknown>): INodeProperties[] {
	return DECIDING.reduce((shown, key) => {
		const value = parameters[key] ?? shown.find(({ name }) => name === key)?.default;
		return shown.filter(({ displayOptions }) => displayOptions?.show?.[key]?.includes(value as string) ?? true);
	}, properties);
}

/** Values of a dropdown. */
export const choicesOf = ({ options = [] }: INodeProperties): unknown[] => options.map((option) => ('value' in option ? option.value : undefined));
