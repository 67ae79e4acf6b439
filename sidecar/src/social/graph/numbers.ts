import { z } from 'zod';

/** What insights answer, on Instagram as on Threads. */
export const insightsSchema = z.object({
	data: z.array(z.object({ name: z.string(), values: z.array(z.object({ value: z.number().nullish() })).default([]) })),
});

/** Each metric with its number; those without one are left out. */
export const numbersOf = ({ data }: z.infer<typeof insightsSchema>): Map<string, number> =>
	new Map(data.flatMap(({ name, values }) => (typeof values[0]?.value === 'number' ? [[name, values[0].value] as const] : [])));
